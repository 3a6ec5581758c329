import { describe, expect, test } from 'vitest'
import { Hub } from '../../../src/lib/hub/index.js'
import { produce, source, type ProducerConnection } from '../../../src/lib/index.js'
import {
	actAsClient,
	assertNothingOpen,
	flushPromises,
	leftovers,
	manualClock,
	memoryFetch,
	restoreAll
} from '../../../src/lib/testing/index.js'
import { rejection, restoreAfterEach } from './fixture.js'

restoreAfterEach()

const hello = () =>
	produce(({ emit, close }) => {
		emit('message', 'hello')
		close()
	})

describe('memoryFetch', () => {
	test('connects source() to a handler', async () => {
		const fetch = memoryFetch(hello)
		expect(await source('/events', { fetch }).select('message').next()).toBe('hello')
	})

	test('takes whole modules by their routes', async () => {
		const module = {
			prerender: false,
			GET: ({ params, locals }: { params: { room: string }; locals: { user: string } }) =>
				new Response(`${locals.user} in ${params.room}`)
		}
		const fetch = memoryFetch(
			{ '/rooms/[room]': module, '/events': hello },
			{ event: { locals: { user: 'ada' } } }
		)
		expect(await (await fetch('/rooms/a%20b')).text()).toBe('ada in a b')
		const statuses = ['/rooms', '/rooms/', '/rooms/a/b', '/'].map(
			async (path) => (await fetch(path)).status
		)
		expect(await Promise.all(statuses)).toEqual([404, 404, 404, 404])
		expect((await fetch('/rooms/a', { method: 'POST' })).status).toBe(405)
	})

	test('gives the handler the request that was made', async () => {
		const fetch = memoryFetch(async ({ request, url }: { request: Request; url: URL }) => {
			const body = await request.text()
			return new Response([request.method, url.pathname, request.headers.get('a'), body].join())
		})
		const answer = await fetch('/x', { method: 'PUT', headers: { a: 'b' }, body: 'c' })
		expect(await answer.text()).toBe('PUT,/x,b,c')
		expect(fetch.requests).toHaveLength(1)
	})

	test('tells the handler that the client has left', async () => {
		const log: string[] = []
		const fetch = memoryFetch(({ request }: { request: Request }) => {
			request.signal.addEventListener('abort', () => log.push('signal'))
			return produce(() => {}, { stop: (_, reason) => void log.push(reason) })
		})
		const connection = source('/', { fetch })
		connection.connect()
		await flushPromises()
		expect(fetch.open).toBe(1)
		connection.close()
		await flushPromises()
		expect(log.sort()).toEqual(['gone', 'signal'])
		expect(fetch.open).toBe(0)
	})

	test('gives up a request that a slow handler has not answered', async () => {
		let answer!: (response: Response) => void
		const fetch = memoryFetch(() => new Promise<Response>((resolve) => (answer = resolve)))
		const leaving = new AbortController()
		const answered = rejection(fetch('/', { signal: leaving.signal }))
		await flushPromises()
		leaving.abort()
		expect(await answered).toBe('20: This operation was aborted')
		const reasons: string[] = []
		answer(produce(() => {}, { stop: (_, reason) => void reasons.push(reason) }))
		await flushPromises()
		expect(reasons).toEqual(['gone'])
		expect(await rejection(fetch('/', { signal: AbortSignal.abort() }))).toMatch(/aborted/)
	})

	test('gives a request up with the reason of its signal, as a page does', async () => {
		const fetch = memoryFetch(() => produce(() => {}))
		const leaving = new AbortController()
		const reading = (await fetch('/', { signal: leaving.signal })).text()
		leaving.abort(new Error('enough'))
		expect(await rejection(reading)).toBe('enough')
	})

	test('answers later when the test says so, or not at all', async () => {
		const fetch = memoryFetch(hello)
		const later = Promise.withResolvers<number>()
		fetch.respond(later.promise)
		fetch.respond(Promise.reject(new TypeError('reset')))
		fetch.respond(Promise.resolve(new Response('late')))
		const [first, second, third] = [fetch('/'), rejection(fetch('/')), fetch('/')]
		expect(await second).toBe('reset')
		expect(await (await third).text()).toBe('late')
		expect(fetch.open).toBe(1)
		later.resolve(503)
		expect((await first).status).toBe(503)
		expect(fetch.open).toBe(0)
	})

	test('breaks off with the body of the handler', async () => {
		const body = new ReadableStream({
			pull: (controller) => controller.error(new Error('disk full'))
		})
		const headers = { 'content-type': 'text/event-stream' }
		const fetch = memoryFetch(() => new Response(body, { headers }))
		expect(await rejection((await fetch('/')).text())).toBe('disk full')
		expect(fetch.open).toBe(0)
	})

	test('can be one that does not hear of the abort', async () => {
		const reasons: string[] = []
		const fetch = memoryFetch(() =>
			produce(() => {}, { stop: (_, reason) => void reasons.push(reason) })
		)
		fetch.ignoresAbort = true
		const leaving = new AbortController()
		const response = await fetch('/', { signal: leaving.signal })
		leaving.abort()
		await flushPromises()
		expect([reasons, fetch.open]).toEqual([[], 1])
		await response.body!.cancel()
		expect([reasons, fetch.open]).toEqual([['gone'], 0])
	})

	test('loses the network when the test says so', async () => {
		using clock = manualClock()
		const fetch = memoryFetch(() => produce(() => {}))
		using connection = source('/', { fetch })
		connection.connect()
		await flushPromises()
		fetch.isOffline = true
		await fetch.drop()
		await clock.advance(connection.retryAt!)
		expect([connection.status, connection.error?.code]).toEqual(['reconnecting', 'network'])
		fetch.isOffline = false
		await clock.advance(connection.retryAt!)
		expect(connection.status).toBe('open')
	})

	test('passes on no more than is read', async () => {
		let producer!: ProducerConnection
		const fetch = memoryFetch(() =>
			produce((connection) => void (producer = connection), { maxBuffer: 100_000 })
		)
		const response = await fetch('/')
		let sent = 0
		while (!producer.emit('message', 'x'.repeat(1_000)).error && sent < 300) {
			sent++
			await flushPromises()
		}
		expect(sent).toBeLessThan(110)
		await response.body?.cancel()
	})

	test('takes the place of the page’s fetch, and gives it back', async () => {
		const before = globalThis.fetch
		const restore = memoryFetch({ '/events': hello }).install()
		expect(await source('/events').select('message').next()).toBe('hello')
		restore()
		expect(globalThis.fetch).toBe(before)
		memoryFetch(hello).install()
		restoreAll()
		expect(globalThis.fetch).toBe(before)
	})

	test('refuses routes and answers that could never be', () => {
		expect(() => memoryFetch({ events: hello })).toThrow(
			"A route must be a path that begins with a slash, such as '/events'"
		)
		expect(() => memoryFetch(hello).respond(42)).toThrow(
			'must be a response, or a status from 200 to 599, received number 42.'
		)
	})
})

describe('assertNothingOpen', () => {
	test('names everything that is still open', async () => {
		using clock = manualClock()
		const fetch = memoryFetch(() => produce(() => {}))
		const connection = source('/', { fetch })
		connection.connect()
		const hub = new Hub()
		const loop = hub.subscribe('orders')[Symbol.asyncIterator]()
		await flushPromises()
		expect(await leftovers()).toEqual({
			connections: 1,
			streams: 1,
			loops: 1,
			requests: 1,
			timers: clock.timers
		})
		expect(await rejection(assertNothingOpen())).toBe(
			'Still open: 1 connections (unmount what reads them or close() them, and let their linger (100 ms) pass), ' +
				'1 streams (end them, or cancel the bodies of their responses), ' +
				'1 loops (leave them, abort their signals, or close the hub), ' +
				'1 requests (close what made them, or call drop()), ' +
				`${clock.timers} timers (advance() the clock, or end what set them).`
		)
		connection.close()
		await loop.return!()
		await assertNothingOpen()
	})

	test('hears of a loop until its signal, or the hub, has ended it', async () => {
		const hub = new Hub()
		const leaving = new AbortController()
		for (const signal of [leaving.signal, undefined])
			void hub.subscribe('orders', { signal })[Symbol.asyncIterator]().next()
		expect((await leftovers()).loops).toBe(2)
		leaving.abort()
		expect((await leftovers()).loops).toBe(1)
		await hub.close()
		await assertNothingOpen()
	})

	test('hears of a channel that lingers, until its time has passed', async () => {
		using clock = manualClock()
		const fetch = memoryFetch(() => produce(() => {}))
		const stop = source('/', { fetch })
			.select('message')
			.on(() => {})
		await flushPromises()
		stop()
		expect((await leftovers()).connections).toBe(1)
		await clock.advance(100)
		await assertNothingOpen()
	})
})

describe('restoreAll', () => {
	test('puts the library back as it was', async () => {
		const clock = manualClock()
		const fetch = memoryFetch(() => produce(() => {}))
		const connection = source('/', { fetch })
		connection.connect()
		await flushPromises()
		restoreAll()
		expect([connection.status, connection.error]).toEqual(['closed', undefined])
		await assertNothingOpen()
		expect(fetch.open).toBe(0)
		expect(clock.timers).toBe(0)
		restoreAll()
		expect(source('/').status).toBe('idle')
		source('/').connect()
		expect((await leftovers()).connections).toBe(0)
	})

	test('ends what acts as a client', async () => {
		actAsClient()
		restoreAll()
		source('/').connect()
		expect((await leftovers()).connections).toBe(0)
	})
})
