import { expect, test } from 'vitest'
import type { CloseReason } from '../../../src/lib/errors.js'
import {
	closeFrame,
	closeReasons,
	gapFrame,
	heartbeatFrame,
	helloFrame,
	isCloseReason,
	parseControl
} from '../../../src/lib/wire/control.js'
import { bodyOf, StreamLog } from '../../support/stream-log.js'

const read = (...frames: string[]) => new StreamLog(bodyOf(frames)).ended

test('what the server says of the stream, the client hears', async () => {
	const frames = [helloFrame(30_000, 2_000), heartbeatFrame, gapFrame, closeFrame('restart', 700)]
	expect(await read(...frames)).toEqual([
		{ retry: 2_000 },
		{ hello: 30_000 },
		{ gap: true },
		{ retry: 700 },
		{ close: 'restart' }
	])
})

test('every reason arrives as it was given', async () => {
	const all: CloseReason[] = ['done', 'restart', 'rotate', 'slow', 'expired', 'denied', 'error']
	expect(closeReasons).toEqual(all)
	expect(await read(...all.map((reason) => closeFrame(reason)))).toEqual(
		all.map((close) => ({ close }))
	)
})

test('without a ping the client hears of none; part of a millisecond is rounded up', async () => {
	const log = await read(helloFrame(false), helloFrame(0.4), helloFrame(1_500.5))
	expect(log).toEqual([{ hello: undefined }, { hello: 1 }, { hello: 1_501 }])
})

test('it is all comments, which other readers of the stream do not notice', () => {
	const frames = [helloFrame(1), helloFrame(false), heartbeatFrame, gapFrame]
	frames.push(...closeReasons.map((reason) => closeFrame(reason)))
	expect(frames.filter((frame) => !/^:[^\r\n]*\n\n$/.test(frame))).toEqual([])
})

test('comments of others say nothing', async () => {
	const comments = [
		'',
		'keep-alive',
		'sveltekit-sse',
		'sveltekit-sse/2 hello ping=1000',
		'sveltekit-sse/1',
		'sveltekit-sse/1 close',
		'sveltekit-sse/1 close tired',
		'sveltekit-sse/1 close Done',
		'sveltekit-sse/1 done',
		'sveltekit-sse/1 wave done',
		'x sveltekit-sse/1 gap'
	]
	expect(comments.map(parseControl).filter(Boolean)).toEqual([])
	expect(await read(...comments.map((comment) => `: ${comment}\n`))).toEqual([])
})

test('a comment of ours is known with the space that other encoders put in', async () => {
	expect(await read(': sveltekit-sse/1 close done\n\n')).toEqual([{ close: 'done' }])
})

test('only reasons of the wire are reasons', () => {
	const values = ['done', 'gone', '', 'toString', undefined, null, 1, {}]
	expect(values.filter(isCloseReason)).toEqual(['done'])
})
