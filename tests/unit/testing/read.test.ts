import * as v from 'valibot'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { defineEvents, produce, type ProducerConnection } from '../../../src/lib/index.js'
import {
	collect,
	manualClock,
	memoryFetch,
	read,
	streamRequest,
	type ReadNote
} from '../../../src/lib/testing/index.js'
import { rejection, restoreAfterEach } from './fixture.js'

restoreAfterEach()

const events = defineEvents({ tick: v.number(), note: v.object({ text: v.string() }) })

describe('collect', () => {
	test('gives every event of a stream that ends', async () => {
		const response = produce(({ emit, close }) => {
			emit('message', 'one', { id: '1' })
			emit('order', { id: 2 })
			emit('message', 'one')
			close()
		})
		expect(await collect(response)).toEqual([
			{ event: 'message', data: 'one', id: '1' },
			{ event: 'order', data: '{"id":2}', id: undefined },
			{ event: 'message', data: 'one', id: undefined }
		])
	})

	test('takes as many as it is told to, and leaves', async () => {
		const reasons: string[] = []
		const response = produce(
			({ emit }) => {
				for (let n = 0; n < 10; n++) emit('message', n)
			},
			{ stop: (_, reason) => void reasons.push(reason) }
		)
		expect((await collect(response, { take: 2 })).map(({ data }) => data)).toEqual(['0', '1'])
		expect(reasons).toEqual(['gone'])
	})

	test('leaves no timer behind', async () => {
		using clock = manualClock()
		await collect(
			produce(({ emit }) => void emit('message', 1), { ping: false }),
			{ take: 1 }
		)
		expect(clock.timers).toBe(0)
	})

	test('reads values with a contract', async () => {
		const response = produce(
			({ emit, close }) => {
				emit('tick', 1)
				emit('note', { text: 'hi' })
				close()
			},
			{ events }
		)
		const collected = await collect(response, { events })
		expect(collected).toEqual([
			{ event: 'tick', data: 1 },
			{ event: 'note', data: { text: 'hi' } }
		])
		const [first] = collected
		if (first?.event === 'note') expectTypeOf(first.data.text).toEqualTypeOf<string>()
	})

	test('rejects with what is wrong with an event, and leaves', async () => {
		const reasons: string[] = []
		const response = produce(({ emit }) => void emit('tick', 'one'), {
			stop: (_, reason) => void reasons.push(reason)
		})
		expect(await rejection(collect(response, { events }))).toMatch(/^parse: The event 'tick'/)
		expect(reasons).toEqual(['gone'])
	})

	test('gives up after a while, and says what has come', async () => {
		using clock = manualClock()
		const open = () => produce(({ emit }) => void emit('message', 'one'), { ping: false })
		const rejections = Promise.all([
			rejection(collect(open(), { take: 3, timeout: 500 })),
			rejection(collect(open())),
			rejection(
				collect(
					produce(() => {}, { ping: false }),
					{ take: 1 }
				)
			)
		])
		await clock.advance(2_000)
		expect(await rejections).toEqual([
			'timeout: Within 500 ms 1 came (message) of 3.',
			'timeout: Within 2000 ms 1 came (message) and the stream has not ended; give `take`, or end it.',
			'timeout: Within 2000 ms no event came of 1.'
		])
	})

	test('refuses what is no event stream', async () => {
		expect(await rejection(collect(new Response('no', { status: 401 })))).toBe(
			'response: The handler answered 401 with text/plain;charset=UTF-8, not with an event stream; read() takes what produce() returns.'
		)
	})
})

describe('read', () => {
	test('tells what the stream says beside its events', async () => {
		let connection!: ProducerConnection
		const stream = read(produce((given) => void (connection = given), { ping: 5_000, retry: 250 }))
		expect(stream.ping).toBeUndefined()
		connection.emit('message', 'one')
		expect(await stream.next()).toEqual({
			value: { event: 'message', data: 'one', id: undefined },
			done: false
		})
		expect(stream).toMatchObject({ ping: 5_000, retry: 250, gaps: 0, reason: undefined })
		connection.close('restart', { retry: 900 })
		expect(await stream.next()).toEqual({ value: undefined, done: true })
		expect(stream).toMatchObject({ retry: 900, reason: 'restart' })
		expect(await stream.next()).toEqual({ value: undefined, done: true })
	})

	test('logs everything in its order', async () => {
		const text =
			'retry: 250\n:sveltekit-sse/1 hello ping=5000\n\ndata: a\n\nevent: order\nid: 7\ndata: b\n\n' +
			':sveltekit-sse/1 gap\n\nid: 9\n\n:another comment\n\n:sveltekit-sse/1 close rotate\n\n'
		const headers = { 'content-type': 'text/event-stream' }
		const log: ReadNote[] = []
		await collect(new Response(text, { headers }), { log })
		expect(log).toEqual([
			{ retry: 250 },
			{ hello: 5_000 },
			{ event: 'message', data: 'a' },
			{ id: '7' },
			{ event: 'order', data: 'b', id: '7' },
			{ gap: true },
			{ id: '9' },
			{ close: 'rotate' }
		])
	})

	test('logs that a stream broke off', async () => {
		const fetch = memoryFetch(() => produce(({ emit }) => void emit('message', 1)))
		const log: ReadNote[] = []
		const stream = read(await fetch('/'), { log })
		await stream.next()
		const next = rejection(stream.next())
		await fetch.drop()
		expect(await next).toMatch(/^network error/)
		expect(log.slice(1)).toEqual([{ event: 'message', data: '1' }, { cut: true }])
	})

	test('counts gaps, and reads no further than it is asked', async () => {
		let connection!: ProducerConnection
		const stream = read(
			produce((given) => void (connection = given), { maxBuffer: 4_000, overflow: 'drop-oldest' })
		)
		connection.emit('message', 'first')
		await stream.next()
		for (let n = 0; n < 20; n++) {
			connection.emit('message', `${n} ${'x'.repeat(500)}`)
			await connection.drained
			await new Promise((resolve) => setImmediate(resolve))
		}
		expect(connection.buffered).toBeGreaterThan(2_000)
		connection.close()
		const rest: string[] = []
		for await (const { data } of stream) rest.push(data)
		expect(rest.at(-1)).toMatch(/^19 /)
		expect(rest.length).toBeLessThan(20)
		expect(stream.gaps).toBe(1)
	})

	test('cancels the response when its loop is left', async () => {
		const reasons: string[] = []
		const response = produce(
			async function* () {
				for (let n = 0; ; n++) yield { data: n }
			},
			{ stop: (_, reason) => void reasons.push(reason) }
		)
		for await (const { data } of read(response)) if (data === '3') break
		expect(reasons).toEqual(['gone'])
	})

	test('fails as its stream fails', async () => {
		const body = new ReadableStream({
			pull: (controller) => controller.error(new Error('socket hang up'))
		})
		const headers = { 'content-type': 'text/event-stream' }
		expect(await rejection(read(new Response(body, { headers })).next())).toBe('socket hang up')
	})
})

describe('streamRequest', () => {
	test('is what source() would send', () => {
		const request = streamRequest('/orders?of=me', { lastEventId: 'é7', headers: { a: 'b' } })
		expect([request.method, request.url]).toEqual(['POST', 'http://localhost/orders?of=me'])
		expect(request.headers.get('accept')).toBe('text/event-stream')
		expect(request.headers.get('a')).toBe('b')
	})

	test('resumes from an id', async () => {
		const request = streamRequest('/', { lastEventId: 'é7' })
		const response = produce(
			({ emit, lastEventId, close }) => {
				emit('message', lastEventId)
				close()
			},
			{ request }
		)
		expect(await collect(response)).toMatchObject([{ data: 'é7' }])
	})

	test('can leave', async () => {
		const leaving = new AbortController()
		const reasons: string[] = []
		const request = streamRequest('/', { signal: leaving.signal })
		produce(() => {}, { request, stop: (_, reason) => void reasons.push(reason) })
		leaving.abort()
		expect(reasons).toEqual(['gone'])
	})
})
