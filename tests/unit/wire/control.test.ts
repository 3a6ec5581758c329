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
import { StreamLog, streamOf } from '../../support/stream-log.js'

const read = (...frames: string[]) => new StreamLog(streamOf(frames)).ended

test('what the server says of the stream, the client hears', async () => {
	const frames = [
		helloFrame({ ping: 30_000, retry: 2_000 }),
		heartbeatFrame,
		gapFrame,
		closeFrame('restart', 700)
	]
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
	const log = await read(...[false as const, 0.4, 1_500.5].map((ping) => helloFrame({ ping })))
	expect(log).toEqual([{ hello: undefined }, { hello: 1 }, { hello: 1_501 }])
})

test('the first frame says which contract the stream is for, and whether it goes on', () => {
	const events = { version: 3, since: 2 }
	const hello = { kind: 'hello', ping: 7, events: undefined, resumed: false }
	const frames = [
		{ ping: 7 },
		{ ping: 7, events },
		{ ping: 7, resumed: true },
		{ ping: 7, events, resumed: true },
		{ ping: 7, events: { version: undefined, since: undefined }, resumed: false }
	].map(helloFrame)
	expect(frames.map((frame) => parseControl(frame.slice(1).trim()))).toEqual([
		hello,
		{ ...hello, events: '3,2' },
		{ ...hello, resumed: true },
		{ ...hello, events: '3,2', resumed: true },
		hello
	])
})

test('it is all comments, which other readers of the stream do not notice', () => {
	const frames = [
		helloFrame({ ping: 1 }),
		helloFrame({ ping: false, resumed: true }),
		heartbeatFrame,
		gapFrame
	]
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
