import { expect, onTestFinished, vi } from 'vitest'
import { SseError } from '../../../src/lib/errors.js'
import { produce } from '../../../src/lib/produce/produce.js'
import type { ProduceOptions } from '../../../src/lib/produce/types.js'
import { StreamLog } from '../../support/stream-log.js'
import { test } from './fixture.js'

test('headers and the announcement are there before any event', async ({ serve }) => {
	const server = await serve(() =>
		produce(() => new Promise(() => {}), { ping: 5_000, retry: 2_000 })
	)
	const response = await fetch(server.url, { method: 'POST' })
	const log = new StreamLog(response)
	await log.until(({ all }) => all.length === 2)
	const { date, ...headers } = Object.fromEntries(response.headers)
	expect([response.status, headers, date !== undefined]).toEqual([
		200,
		{
			'content-type': 'text/event-stream',
			'cache-control': 'private, no-store, no-transform',
			'x-accel-buffering': 'no',
			'sveltekit-sse': '1; ping=5000',
			// Node's own, for this one hop of HTTP/1.1.
			connection: 'keep-alive',
			'keep-alive': 'timeout=5',
			'transfer-encoding': 'chunked'
		},
		true
	])
	expect(log.all).toEqual([{ retry: 2_000 }, { hello: 5_000 }])
	log.leave()
})

test('a large first event does not come before the announcement', async ({ open }) => {
	const produced = open({}, ({ emit, close }) => {
		emit('a', 'x'.repeat(300_000))
		close()
	})
	expect((await produced.read().ended).map((one) => Object.keys(one)[0])).toEqual([
		'hello',
		'event',
		'close'
	])
})

// Its response never ended, and whatever came next on the connection waited for that.
test('a HEAD request gets the headers, and its connection is free again', async ({ serve }) => {
	const reasons: string[] = []
	const server = await serve((request) =>
		produce(() => (_, reason) => void reasons.push(reason), { request })
	)
	const { status, headers } = await fetch(server.url, { method: 'HEAD' })
	expect([status, headers.get('content-type'), reasons]).toEqual([
		200,
		'text/event-stream',
		['gone']
	])
})

test('headers of the user are sent along, `connection` and what breaks a stream are not', ({
	open
}) => {
	const { response } = open({
		headers: { 'x-own': '1', connection: 'keep-alive', 'content-encoding': 'gzip' }
	})
	expect(Object.fromEntries(response.headers)).toEqual({
		'content-type': 'text/event-stream',
		'cache-control': 'private, no-store, no-transform',
		'x-accel-buffering': 'no',
		'sveltekit-sse': '1; ping=30000',
		'x-own': '1'
	})
})

test('the announced ping is the one in use', async ({ open }) => {
	const announced = async (ping?: number | false) => {
		const { connection, ...produced } = open({ ping })
		connection.close()
		return (await new StreamLog(produced.response).ended)[0]
	}
	expect(
		await Promise.all([announced(), announced(false), announced(250), announced(0.5)])
	).toEqual([{ hello: 30_000 }, { hello: undefined }, { hello: 250 }, { hello: 1 }])
})

// Bun closes a connection that is silent for 10 s: every quiet stream was cut every 11 s.
test('on Bun the ping is 8 s, unless another is asked for', async ({ open }) => {
	vi.stubGlobal('Bun', {})
	onTestFinished(() => void vi.unstubAllGlobals())
	const announced = async (ping?: number | false) => {
		const { connection, response } = open({ ping })
		connection.close()
		return (await new StreamLog(response).ended)[0]
	}
	expect(await Promise.all([announced(), announced(30_000), announced(false)])).toEqual([
		{ hello: 8_000 },
		{ hello: 30_000 },
		{ hello: undefined }
	])
})

test('lastEventId is what the client sends', async ({ serve }) => {
	const seen: unknown[] = []
	const server = await serve((request) =>
		produce(({ lastEventId, close }) => (seen.push(lastEventId), close()), { request })
	)
	const send = (id?: string) =>
		fetch(server.url, { headers: id === undefined ? {} : { 'last-event-id': id } })
	await send()
	await send('')
	await send('epoch-7')
	// As a browser sends an id that is not ASCII: the bytes of its UTF-8.
	await send(String.fromCharCode(...new TextEncoder().encode('…€')))
	expect(seen).toEqual([undefined, undefined, 'epoch-7', '…€'])
	const without = produce(({ lastEventId, close }) => (seen.push(lastEventId), close()))
	await without.body!.cancel()
	expect(seen.at(-1)).toBe(undefined)
})

test.for<[string, unknown]>([
	['ping', 0],
	['ping', -1],
	['ping', NaN],
	['ping', Infinity],
	['ping', '4000'],
	['ping', true],
	['ping', null],
	['ping', 2 ** 31],
	['maxDuration', 0],
	['maxDuration', '1'],
	['maxDuration', 2 ** 31],
	['maxBuffer', 0],
	['maxBuffer', NaN],
	['maxBuffer', '1 MB'],
	['overflow', 'drop-newest'],
	['overflow', null],
	['retry', -1],
	['retry', 1.5],
	['retry', '1000'],
	['stop', true],
	['stop', {}],
	['error', 'log'],
	['request', '/events'],
	['request', { url: '/events' }],
	['headers', { 'bad name': 'x' }],
	['headers', { 'x-a': 'line\nfeed' }],
	['headers', 7],
	['events', { order: {} }]
])('%s: %o is refused with its name and the remedy, and start does not run', ([name, value]) => {
	let started = false
	const options = { [name]: value } as ProduceOptions
	expect(() => produce(() => void (started = true), options)).toThrow(
		expect.objectContaining({
			code: 'invalid-argument',
			message: expect.stringMatching(new RegExp(`^\`${name}\` must be .*received `))
		})
	)
	expect(started).toBe(false)
})

test('anything but a function to start with, or but an object for options, is refused', () => {
	for (const start of [undefined, null, {}, 'start', Promise.resolve()])
		expect(() => produce(start as never)).toThrow(SseError)
	for (const options of [null, 30_000, 'fast'])
		expect(() => produce(() => {}, options as never)).toThrow(/`options` must be/)
})

test('options that are undefined are those that were left out', async ({ open }) => {
	const { connection, response } = open({
		ping: undefined,
		headers: undefined,
		request: undefined,
		retry: undefined,
		maxDuration: undefined,
		maxBuffer: undefined,
		overflow: undefined,
		events: undefined
	})
	connection.close()
	expect(await new StreamLog(response).ended).toEqual([{ hello: 30_000 }, { close: 'done' }])
})
