import { getEventListeners } from 'node:events'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { read, type ReadOptions } from '../../../src/lib/read/index.js'
import { flushPromises, manualClock, memoryFetch } from '../../../src/lib/testing/index.js'
import { foreign, leaveNothing, linesOf, Log } from './fixture.js'

leaveNothing()

const url = 'http://app.test/events'

/** What `fetch` is called with, and a stream of one event for each call; it breaks off unless told otherwise. */
function recorder(text = 'data: a\n\n') {
	const calls: { input: unknown; init: RequestInit }[] = []
	const fetch = async (input: unknown, init?: RequestInit) => {
		calls.push({ input, init: init! })
		return foreign(text)
	}
	return { calls, fetch: fetch as typeof globalThis.fetch }
}

const brokenOff = 'data: a\n\ndata'

/** The message of the error with which a call is refused. */
function refusal(run: () => unknown): string {
	try {
		run()
	} catch (thrown) {
		const { code, message } = thrown as Error & { code?: string }
		return `${code}: ${message}`
	}
	return 'nothing'
}

describe('the URL', () => {
	test('outside of a page has to be absolute, and the error says what to do', () => {
		const remedy =
			'Outside of a page the URL has to be absolute, such as ' +
			"'https://example.com/events'. In a +server.ts a relative URL works with `fetch: event.fetch`."
		expect(refusal(() => read('/events'))).toBe(
			`invalid-url: read() needs a URL, received string "/events". ${remedy}`
		)
		expect(refusal(() => read(undefined as never))).toBe(
			`invalid-url: read() needs a URL, received undefined. ${remedy}`
		)
		expect(refusal(() => read('http://'))).toContain('received string "http://"')
	})

	test('may be relative for a `fetch` that knows to what, which gets it as it is', async () => {
		const { calls, fetch } = recorder()
		expect(await linesOf(read('/events?of=me', { fetch }))).toEqual(['message:a', 'over'])
		await linesOf(read('rooms/1', { fetch, method: 'POST', body: '{}' }))
		expect(calls.map(({ input }) => input)).toEqual(['/events?of=me', 'rooms/1'])
	})

	test('is resolved once, against the page', async () => {
		const { calls, fetch } = recorder()
		const place = { baseURI: 'http://page.test/a/b' }
		vi.stubGlobal('document', place)
		onTestFinished(() => void vi.unstubAllGlobals())
		const stream = read('events', { fetch })
		place.baseURI = 'http://page.test/other/page'
		vi.unstubAllGlobals()
		await linesOf(stream)
		expect(calls[0]?.input).toBe('http://page.test/a/events')
	})

	test('in a worker is resolved against the worker', async () => {
		const { calls, fetch } = recorder()
		vi.stubGlobal('location', { href: 'http://worker.test/app/worker.js' })
		onTestFinished(() => void vi.unstubAllGlobals())
		await linesOf(read('/events', { fetch }))
		expect(calls[0]?.input).toBe('http://worker.test/events')
	})

	test('may be a URL, which can be changed afterwards without effect', async () => {
		const { calls, fetch } = recorder()
		const address = new URL(url)
		const stream = read(address, { fetch })
		address.pathname = '/other'
		await linesOf(stream)
		expect(calls[0]?.input).toBe(url)
	})

	test('is asked for before every attempt if it is a function', async () => {
		using clock = manualClock()
		const { calls, fetch } = recorder(brokenOff)
		let number = 0
		const stream = read(async () => `${url}?${++number}`, { fetch })
		await stream.next()
		const waiting = stream.next()
		await clock.advance(250)
		await waiting
		expect(calls.map(({ input }) => input)).toEqual([`${url}?1`, `${url}?2`])
		await stream.return()
	})

	test('of a function that cannot be resolved ends the loop', async () => {
		const { calls, fetch } = recorder()
		expect(await linesOf(read(() => null as never, { fetch }))).toEqual([
			expect.stringMatching(/^!invalid-url read\(\) needs a URL, received null/)
		])
		expect(calls).toEqual([])
	})

	test('function that throws is asked again', async () => {
		using clock = manualClock()
		const { fetch } = recorder()
		const errors: string[] = []
		let calls = 0
		const from = () => {
			if (calls++ === 0) throw new Error('no token')
			return url
		}
		const log = new Log(read(from, { fetch, error: ({ code }) => void errors.push(code) }))
		await clock.advance(250)
		await log.done
		expect([errors, log.lines]).toEqual([['request'], ['message:a', 'over']])
	})
})

describe('a Request', () => {
	test('is sent as it is, with what the stream needs', async () => {
		const { calls, fetch } = recorder()
		const request = new Request(url, {
			method: 'POST',
			headers: { authorization: 'yes', accept: 'text/event-stream, */*' },
			body: 'question'
		})
		await linesOf(read(request, { fetch, headers: { 'x-more': '1' }, lastEventId: '7' }))
		const { input, init } = calls[0]!
		expect(input).toBe(request)
		expect([init.method, init.body]).toEqual(['POST', undefined])
		expect([...(init.headers as Headers)]).toEqual([
			['accept', 'text/event-stream, */*'],
			['authorization', 'yes'],
			['content-type', 'text/plain;charset=UTF-8'],
			['last-event-id', '7'],
			['x-more', '1']
		])
	})

	test('of a function may have its body from the options', async () => {
		const { calls, fetch } = recorder()
		const request = () => new Request(url, { method: 'POST' })
		await linesOf(read(request, { fetch, body: 'question', reconnect: false }))
		expect(calls.map(({ init }) => [init.method, init.body])).toEqual([['POST', 'question']])
	})

	test('with bytes has no type of ours, unless another body takes their place', async () => {
		const { calls, fetch } = recorder()
		const request = () => new Request(url, { method: 'POST', body: new Uint8Array([1, 2]) })
		await linesOf(read(request(), { fetch }))
		await linesOf(read(request, { fetch, reconnect: false }))
		await linesOf(read(request(), { fetch, body: '{}' }))
		const types = calls.map(({ init }) => (init.headers as Headers).get('content-type'))
		expect(types).toEqual([null, null, 'application/json'])
	})

	test('without a body can be sent again', async () => {
		using clock = manualClock()
		const { calls, fetch } = recorder(brokenOff)
		const stream = read(new Request(url), { fetch })
		await stream.next()
		const waiting = stream.next()
		await clock.advance(250)
		await waiting
		expect(calls.length).toBe(2)
		await stream.return()
	})

	test('with a body is sent once: the loop throws what breaks the connection', async () => {
		const { calls, fetch } = recorder(brokenOff)
		const request = new Request(url, { method: 'POST', body: 'question' })
		expect(await linesOf(read(request, { fetch }))).toEqual([
			'message:a',
			expect.stringMatching(/^!cut /)
		])
		expect(calls.length).toBe(1)
	})

	test('with a body comes back if a function makes it', async () => {
		using clock = manualClock()
		const bodies: string[] = []
		const fetch = memoryFetch(async ({ request }: { request: Request }) => {
			bodies.push(await request.text())
			return foreign(brokenOff)
		})
		const from = () => new Request(url, { method: 'POST', body: `${bodies.length}` })
		const stream = read(from, { fetch })
		await stream.next()
		const waiting = stream.next()
		await clock.advance(250)
		await waiting
		expect(bodies).toEqual(['0', '1'])
		await stream.return()
	})

	test('that was sent already is refused, with what to do', async () => {
		const request = new Request(url, { method: 'POST', body: 'question' })
		await request.text()
		const message =
			'The body of this Request was sent already. Make a new Request for each attempt.'
		expect(refusal(() => read(request))).toBe(`invalid-argument: ${message}`)
		expect(await linesOf(read(() => request))).toEqual([`!invalid-argument ${message}`])
	})

	test.for([
		['of its own', (signal: AbortSignal) => new Request(url, { signal })],
		['of a function', (signal: AbortSignal) => () => new Request(url, { signal })]
	] as const)('has a signal %s that ends the loop', async ([, make]) => {
		const fetch = memoryFetch(() => foreign('data: a\n\n', { ends: false }))
		const leaving = new AbortController()
		const stream = read(make(leaving.signal), { fetch })
		await stream.next()
		const waiting = stream.next()
		leaving.abort()
		await expect(waiting).rejects.toMatchObject({ code: 'aborted' })
		expect(fetch.open).toBe(0)
	})

	test('leaves no listener on a signal, however often it is sent', async () => {
		using clock = manualClock()
		const { calls, fetch } = recorder(brokenOff)
		const { signal } = new AbortController()
		const request = new Request(url)
		const stream = read(() => request, { fetch, signal })
		for (let round = 0; round < 20; round++) {
			const waiting = stream.next()
			await clock.advance(60_000)
			await waiting
		}
		expect(calls.length).toBeGreaterThan(19)
		expect(getEventListeners(signal, 'abort').length).toBe(1)
		expect(getEventListeners(request.signal, 'abort').length).toBeLessThan(3)
		await stream.return()
		expect(getEventListeners(signal, 'abort').length).toBe(0)
		expect(getEventListeners(request.signal, 'abort').length).toBe(0)
	})

	test('whose signal is aborted already is not sent', async () => {
		const { calls, fetch } = recorder()
		const request = new Request(url, { signal: AbortSignal.abort() })
		expect(await linesOf(read(request, { fetch }))).toEqual(['!aborted aborted'])
		expect(calls).toEqual([])
	})
})

describe('headers and body', () => {
	test('may be functions, which run before every attempt', async () => {
		using clock = manualClock()
		const { calls, fetch } = recorder(brokenOff)
		let number = 0
		const stream = read(url, {
			fetch,
			method: 'POST',
			headers: async () => ({ authorization: `${++number}` }),
			body: () => `${number}`
		})
		await stream.next()
		const waiting = stream.next()
		await clock.advance(250)
		await waiting
		expect(
			calls.map(({ init: { headers, body } }) => [(headers as Headers).get('authorization'), body])
		).toEqual([
			['1', '1'],
			['2', '2']
		])
		await stream.return()
	})

	test('of a stream go out once, so nothing reconnects', async () => {
		const { calls, fetch } = recorder(brokenOff)
		const body = new Blob(['question']).stream()
		expect(await linesOf(read(url, { fetch, method: 'POST', body }))).toEqual([
			'message:a',
			expect.stringMatching(/^!cut /)
		])
		expect(calls.length).toBe(1)
	})

	test('that go out once are refused together with `reconnect`, with what to do', () => {
		const message =
			'invalid-argument: A connection cannot come back with a body that was sent already. Pass a function that makes the ' +
			'body, or the whole Request, for each attempt; or leave `reconnect` out.'
		const body = new Blob(['question']).stream()
		const request = new Request(url, { method: 'POST', body: 'question' })
		expect(refusal(() => read(url, { method: 'POST', body, reconnect: true }))).toBe(message)
		expect(refusal(() => read(request, { reconnect: { min: 1_000 } }))).toBe(message)
	})
})

describe('the settings of `fetch`', () => {
	test('go along as they are, and nothing of ours does', async () => {
		const { calls, fetch } = recorder()
		const options: ReadOptions = {
			fetch,
			credentials: 'include',
			redirect: 'error',
			until: '[DONE]',
			watchdog: 1_000
		}
		await linesOf(read(url, options))
		const { init } = calls[0]!
		expect(init).toEqual({
			method: 'GET',
			headers: expect.any(Headers),
			body: undefined,
			cache: 'no-store',
			credentials: 'include',
			duplex: 'half',
			redirect: 'error',
			signal: expect.any(AbortSignal)
		})
	})
})

describe('options that cannot work', () => {
	test('are refused at the call', () => {
		expect(refusal(() => read(url, { body: 'question' }))).toBe(
			"invalid-argument: A GET request cannot have a body; pass method: 'POST', or leave it out."
		)
		expect(refusal(() => read(url, { headers: { 'no name': '1' } }))).toMatch(
			/^invalid-argument: `headers` must be/
		)
		expect(refusal(() => read(url, { until: 1 as never }))).toMatch(/`until` must be a string/)
		expect(refusal(() => read(url, { signal: {} as never }))).toMatch(/`signal` must be/)
		expect(refusal(() => read(url, { events: {} as never }))).toMatch(/`events` must be a contract/)
	})
})

test('requests follow one another, never two at a time', async () => {
	using clock = manualClock()
	let open = 0
	let most = 0
	const fetch = async (_: unknown, init?: RequestInit) => {
		most = Math.max(most, ++open)
		init!.signal!.addEventListener('abort', () => open--)
		return foreign(brokenOff)
	}
	const stream = read(url, { fetch: fetch as typeof globalThis.fetch })
	for (let round = 0; round < 10; round++) {
		const waiting = stream.next()
		await clock.advance(60_000)
		await waiting
	}
	await stream.return()
	await flushPromises()
	expect([most, open, clock.timers]).toEqual([1, 0, 0])
})
