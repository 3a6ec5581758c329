import { describe, expect, expectTypeOf, test } from 'vitest'
import { defineEvents, produce } from '../../../src/lib/index.js'
import { read, SseError, type ReadEvent, type ReadOptions } from '../../../src/lib/read/index.js'
import { flushPromises, manualClock, memoryFetch } from '../../../src/lib/testing/index.js'
import { foreign, leaveNothing, linesOf, Log } from './fixture.js'

leaveNothing()

const url = 'http://app.test/events'

describe('a loop', () => {
	test('has every event with its name, its data and its id, and ends with `done`', async () => {
		const fetch = memoryFetch(() =>
			produce(({ emit, close }) => {
				emit('message', 'one', { id: '1' })
				emit('order', { id: 2 })
				emit('message', 'one')
				close()
			})
		)
		const found: ReadEvent[] = []
		for await (const event of read(url, { fetch })) found.push(event)
		expect(found).toEqual([
			{ name: 'message', data: 'one', id: '1' },
			{ name: 'order', data: '{"id":2}', id: undefined },
			{ name: 'message', data: 'one', id: undefined }
		])
		expectTypeOf<ReadEvent>().toEqualTypeOf<{
			name: string
			data: string
			id: string | undefined
		}>()
	})

	test('calls an event without a name `message`, as the standard does', async () => {
		const fetch = memoryFetch(() => foreign('data: a\n\nevent: b\ndata: b\n\n'))
		expect(await linesOf(read(url, { fetch }))).toEqual(['message:a', 'b:b', 'over'])
	})

	test('asks for nothing before its first step, and then by GET', async () => {
		const fetch = memoryFetch(() => foreign('data: a\n\n'))
		const stream = read(url, { fetch })
		await flushPromises()
		expect(fetch.requests).toEqual([])
		await stream.next()
		const [request] = fetch.requests
		expect([request?.method, request?.url]).toEqual(['GET', url])
		expect(request?.headers.get('accept')).toBe('text/event-stream')
		await stream.return()
	})

	test('ends with the body of a foreign stream, and with a 204', async () => {
		const fetch = memoryFetch(() => foreign('data: a\n\n'))
		expect(await linesOf(read(url, { fetch }))).toEqual(['message:a', 'over'])
		fetch.respond(204)
		expect(await linesOf(read(url, { fetch }))).toEqual(['over'])
	})

	test('throws what closed the connection', async () => {
		const fetch = memoryFetch(() => produce(({ close }) => close('denied')))
		expect(await linesOf(read(url, { fetch }))).toEqual([
			'!denied The server ended the stream: this client may not read it any more'
		])
		fetch.respond(new Response('no', { status: 401 }))
		const error = await read(url, { fetch })
			.next()
			.catch((thrown: unknown) => thrown)
		expect(error).toBeInstanceOf(SseError)
		expect(error).toMatchObject({ code: 'response', status: 401, body: 'no' })
	})

	test('throws once, and is over then', async () => {
		const fetch = memoryFetch(() => new Response('no', { status: 401 }))
		const stream = read(url, { fetch })
		await expect(stream.next()).rejects.toMatchObject({ code: 'response' })
		expect(await stream.next()).toEqual({ value: undefined, done: true })
		expect(fetch.requests.length).toBe(1)
	})

	test('is never shared: each has a request of its own', async () => {
		const fetch = memoryFetch(() => foreign('data: a\n\n'))
		await Promise.all([linesOf(read(url, { fetch })), linesOf(read(url, { fetch }))])
		expect(fetch.requests.length).toBe(2)
	})
})

describe('leaving a loop', () => {
	const reasons: string[] = []
	const endless = () =>
		produce(
			async function* () {
				for (let n = 0; ; n++) yield { data: n }
			},
			{ stop: (_, reason) => void reasons.push(reason) }
		)

	test('closes the connection at once', async () => {
		using clock = manualClock()
		const fetch = memoryFetch(endless)
		reasons.length = 0
		for await (const { data } of read(url, { fetch })) if (data === '3') break
		expect({ reasons, open: fetch.open, timers: clock.timers }).toEqual({
			reasons: ['gone'],
			open: 0,
			timers: 0
		})
	})

	test('closes it while an event is waited for, which is done then', async () => {
		const fetch = memoryFetch(() => produce(() => {}))
		const stream = read(url, { fetch })
		const waiting = stream.next()
		await flushPromises()
		expect(fetch.open).toBe(1)
		expect(await stream.return()).toEqual({ value: undefined, done: true })
		expect(fetch.open).toBe(0)
		expect(await waiting).toEqual({ value: undefined, done: true })
		expect(await stream.next()).toEqual({ value: undefined, done: true })
	})

	test('by an error rejects with that', async () => {
		const fetch = memoryFetch(endless)
		const stream = read(url, { fetch })
		await stream.next()
		await expect(stream.throw(new Error('enough'))).rejects.toThrow('enough')
		expect(fetch.open).toBe(0)
		expect(await stream.next()).toEqual({ value: undefined, done: true })
	})

	test('before its first step asks for nothing', async () => {
		const fetch = memoryFetch(endless)
		const stream = read(url, { fetch })
		await stream.return()
		expect(await stream.next()).toEqual({ value: undefined, done: true })
		expect(fetch.requests).toEqual([])
	})
})

describe('`next()`', () => {
	test('can be called several times at once, and keeps the order', async () => {
		const fetch = memoryFetch(() => foreign('data: a\n\ndata: b\n\n'))
		const stream = read(url, { fetch })
		const all = await Promise.all([stream.next(), stream.next(), stream.next(), stream.next()])
		expect(all.map(({ value, done }) => (done ? 'over' : value.data))).toEqual([
			'a',
			'b',
			'over',
			'over'
		])
	})
})

describe('what takes for ever', () => {
	const never = new Promise<never>(() => {})
	const schema = {
		'~standard': { version: 1, vendor: 'test', validate: () => never }
	} as const
	const slow: Record<string, ReadOptions<never>> = {
		'a schema': { events: defineEvents({ message: schema }) as never },
		'`open`': { open: () => never },
		'`gap`': { gap: () => never, lastEventId: '1' }
	}

	for (const [what, options] of Object.entries(slow))
		for (const how of ['signal', 'return'] as const)
			test(`${what} keeps neither a signal nor return() waiting: ${how}`, async () => {
				const leaving = new AbortController()
				const fetch = memoryFetch(() => produce(({ emit }) => void emit('message', 1)))
				const stream = read(url, { ...options, fetch, signal: leaving.signal })
				const outcome = stream.next().catch(({ code }) => code)
				await flushPromises()
				if (how === 'signal') leaving.abort()
				const done = { done: true, value: undefined }
				if (how === 'return') expect(await stream.return()).toEqual(done)
				expect(await outcome).toEqual(how === 'signal' ? 'aborted' : done)
				expect(fetch.open).toBe(0)
			})

	test('a callback may wait for return()', async () => {
		const fetch = memoryFetch(() => produce(({ emit }) => void emit('message', 1)))
		const stream = read(url, { fetch, open: () => stream.return() as never })
		expect(await stream.next()).toEqual({ done: true, value: undefined })
	})
})

describe('a signal', () => {
	test('ends a loop that waits, by an error with its reason', async () => {
		const fetch = memoryFetch(() => produce(() => {}))
		const leaving = new AbortController()
		const stream = read(url, { fetch, signal: leaving.signal })
		const waiting = stream.next()
		await flushPromises()
		leaving.abort('tired')
		expect(fetch.open).toBe(0)
		await expect(waiting).rejects.toMatchObject({ code: 'aborted', cause: 'tired' })
		expect(await stream.next()).toEqual({ value: undefined, done: true })
	})

	test('drops the events that were read and not taken', async () => {
		const fetch = memoryFetch(() => foreign('data: a\n\ndata: b\n\n', { ends: false }))
		const leaving = new AbortController()
		const stream = read(url, { fetch, signal: leaving.signal })
		await stream.next()
		leaving.abort()
		await expect(stream.next()).rejects.toMatchObject({ code: 'aborted' })
	})

	test('ends a loop that waits for its next attempt', async () => {
		using clock = manualClock()
		const fetch = memoryFetch(() => produce(() => {}))
		fetch.isOffline = true
		const leaving = new AbortController()
		const log = new Log(read(url, { fetch, signal: leaving.signal }))
		await flushPromises()
		expect(clock.timers).toBe(1)
		leaving.abort()
		await log.done
		expect([log.lines, clock.timers]).toEqual([['!aborted aborted'], 0])
	})

	test('ends in order if it is aborted once all has come', async () => {
		const leaving = new AbortController()
		const fetch = memoryFetch(() => foreign('data: a\n\n'))
		const stream = read(url, { fetch, signal: leaving.signal })
		await stream.next()
		await flushPromises()
		leaving.abort()
		expect(await stream.next()).toEqual({ done: true, value: undefined })
	})

	test('that is aborted already asks for nothing', async () => {
		const fetch = memoryFetch(() => produce(() => {}))
		expect(await linesOf(read(url, { fetch, signal: AbortSignal.abort() }))).toEqual([
			'!aborted aborted'
		])
		expect(fetch.requests).toEqual([])
	})

	test('does nothing more once the loop is over', async () => {
		const fetch = memoryFetch(() => foreign('data: a\n\n'))
		const leaving = new AbortController()
		expect(await linesOf(read(url, { fetch, signal: leaving.signal }))).toEqual([
			'message:a',
			'over'
		])
		leaving.abort()
	})
})
