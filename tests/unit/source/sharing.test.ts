import { describe, expect } from 'vitest'
import { flushPromises } from '../../../src/lib/testing/flush-promises.js'
import type { SourceOptions } from '../../../src/lib/source/options.js'
import { listen, test } from './fixture.js'

describe('handles with equal requests', () => {
	test('share one request, ten channels and all', async ({ connect, requests }) => {
		const handles = Array.from({ length: 10 }, () => connect())
		const heard = handles.map(({ connection }, index) => listen(connection.select(`m${index}`)))
		await flushPromises()
		expect(requests.count).toBe(1)
		await requests.last.hello(
			30_000,
			heard.map((_, index) => `event: m${index}\ndata: ${index}\n\n`).join('')
		)
		expect(heard.map(({ got }) => got)).toEqual(heard.map((_, index) => [`${index}`]))
	})

	for (const [what, options, from] of [
		['callbacks', { open: () => {}, message: () => {} }],
		['linger', { linger: 5 }],
		['the order and case of headers', { headers: { B: '2', a: '1' } }],
		['the shape of headers', { headers: new Headers({ a: '1', b: '2' }) }],
		['the older name of a callback', { onmessage: () => {}, options: { onclose: () => {} } }],
		['the case of the method', { method: 'post' }],
		['how the URL is written', {}, 'http://app.test/x/../events']
	] as [string, SourceOptions, string?][])
		test(`share in spite of ${what}`, async ({ connect, requests }) => {
			const headers = { a: '1', b: '2' }
			connect({ headers }).connection.connect()
			connect({ headers, ...options }, from).connection.connect()
			await flushPromises()
			expect(requests.count).toBe(1)
		})

	for (const [what, options, from] of [
		['method', { method: 'GET' }],
		['headers', { headers: { a: '1' } }],
		['headers functions', { headers: () => ({}) }],
		['body', { body: 'a' }],
		['credentials', { credentials: 'include' }],
		['credentials, nested', { options: { credentials: 'include' } }],
		['any other setting of `fetch`', { options: { redirect: 'error' } }],
		['reconnect', { reconnect: { max: 1 } }],
		['reconnect: false', { reconnect: false }],
		['decide', { reconnect: { decide: () => 1 } }],
		['watchdog', { watchdog: false }],
		['hidden', { hidden: { pauseAfter: 1 } }],
		['lastEventId', { lastEventId: '1' }],
		['cache: false', { cache: false }],
		['query', {}, '/events?a'],
		['path in other letters', {}, '/события/🙂']
	] as [string, SourceOptions, string?][])
		test(`are split by ${what}`, async ({ connect, requests }) => {
			connect().connection.connect()
			connect(options, from).connection.connect()
			await flushPromises()
			expect(requests.count).toBe(2)
		})

	test('share in spite of the order in which the settings of `fetch` stand', async ({
		connect,
		requests
	}) => {
		connect({ options: { mode: 'cors', redirect: 'error' } }).connection.connect()
		connect({ options: { redirect: 'error', mode: 'cors' } }).connection.connect()
		await flushPromises()
		expect(requests.count).toBe(1)
	})

	test('share a headers function, and a URL function, that is the very same', async ({
		connect,
		requests
	}) => {
		const headers = () => ({ a: '1' })
		const from = () => '/events'
		connect({ headers }, from).connection.connect()
		connect({ headers }, from).connection.connect()
		await flushPromises()
		expect(requests.count).toBe(1)
	})
})

describe('handles on one link', () => {
	test('do not close it for one another', async ({ connect, requests, clock }) => {
		const [first, second] = [connect(), connect()]
		const one = listen(first.connection.select('message'))
		const two = listen(second.connection.select('message'))
		await flushPromises()
		await requests.last.hello(30_000, 'data: a\n\n')
		first.connection.close()
		await requests.last.write('data: b\n\n')
		expect([one.got, two.got]).toEqual([['a'], ['a', 'b']])
		expect([first.connection.status, second.connection.status]).toEqual(['closed', 'open'])
		two.stop()
		await clock.advance(100)
		expect(requests.active).toEqual([])
		expect(second.connection.status).toBe('idle')
	})

	test('do not silence one another by unsubscribing', async ({ connect, requests, clock }) => {
		const { connection } = connect()
		const one = listen(connection.select('one'))
		const two = listen(connection.select('two'))
		await flushPromises()
		await requests.last.hello()
		one.stop()
		await clock.advance(1_000)
		await requests.last.write('event: one\ndata: a\n\nevent: two\ndata: b\n\n')
		expect([one.got, two.got]).toEqual([[], ['b']])
	})

	test('hear of an end each by its own callbacks, and may come back together', async ({
		connect,
		requests,
		clock
	}) => {
		const handles = [connect(), connect(), connect()]
		for (const { connection } of handles) connection.connect()
		await flushPromises()
		await requests.last.hello()
		await requests.last.goodbye('done')
		for (const { connection, log } of handles) {
			expect(log).toEqual(['open accepted', 'close done'])
			expect(connection.status).toBe('closed')
		}
		await clock.advance(1_000)
		for (const { connection } of handles) connection.connect()
		await flushPromises()
		expect(requests.count).toBe(2)
		expect(handles.map(({ connection }) => connection.status)).toEqual(Array(3).fill('connecting'))
	})

	test('hear where it stands when they come later', async ({ connect, requests }) => {
		const first = connect()
		first.connection.connect()
		await flushPromises()
		await requests.last.hello(30_000, 'id: 4\ndata: a\n\n')
		const second = connect()
		second.connection.connect()
		expect(second.log).toEqual(['open accepted'])
		expect(second.connection).toMatchObject({ status: 'open', lastEventId: '4' })
		expect(+second.connection.lastEventAt!).toBe(+first.connection.lastEventAt!)
	})

	test('see the last value at once when they come later', async ({ connect, requests }) => {
		connect().connection.connect()
		await flushPromises()
		await requests.last.hello(30_000, 'data: a\n\ndata: b\n\n')
		const seen: string[] = []
		connect()
			.connection.select('message')
			.subscribe((value) => seen.push(value))
		expect(seen).toEqual(['b'])
	})

	test('see the last value when they come back to a link that has gone on', async ({
		connect,
		requests
	}) => {
		const [{ connection }, other] = [connect(), connect()]
		const channel = connection.select('message')
		const seen: string[] = []
		channel.subscribe((value) => seen.push(value))
		channel.transform((value) => `(${value})`).subscribe((value) => seen.push(`${value}`))
		other.connection.connect()
		await flushPromises()
		await requests.last.hello(30_000, 'data: a\n\n')
		connection.close()
		await requests.last.write('data: b\n\n')
		connection.connect()
		expect(channel.current).toBe('b')
		expect(seen).toEqual(['', 'null', 'a', '(a)', 'b', '(b)'])
	})

	// The link came up for nobody, and nobody was left to close it.
	test('leave nothing when one closes both as it hears of the opening', async ({
		connect,
		requests
	}) => {
		const first = connect()
		first.connection.connect()
		await flushPromises()
		await requests.last.hello()
		const second = connect({
			open() {
				first.connection.close()
				second.connection.close()
			}
		})
		second.connection.connect()
		await flushPromises()
		expect([second.connection.status, requests.count]).toEqual(['closed', 1])
	})

	// It was closed without a word: what it had connected was told of the end before.
	test('come back when one connects the other, which has not heard of the end yet', async ({
		connect,
		requests,
		clock
	}) => {
		let isOver = false
		const first = connect({
			close() {
				if (!isOver) second.connection.connect()
				isOver = true
			}
		})
		const second = connect()
		first.connection.connect()
		second.connection.connect()
		await flushPromises()
		await requests.last.hello()
		await requests.last.goodbye('done')
		await clock.advance(1_000)
		await requests.last.hello()
		expect([first.connection.status, second.connection.status]).toEqual(['closed', 'open'])
		expect([requests.count, second.log]).toEqual([
			2,
			['open accepted', 'close done', 'open accepted']
		])
	})

	test('tell of a gap when they come back to a link that has gone on', async ({
		connect,
		requests
	}) => {
		const [first, second] = [connect(), connect()]
		first.connection.connect()
		second.connection.connect()
		await flushPromises()
		await requests.last.hello(30_000, 'id: 1\ndata: a\n\n')
		first.connection.close()
		first.connection.connect()
		expect(first.log.filter((entry) => entry === 'gap')).toEqual([])
		first.connection.close()
		await requests.last.write('id: 2\ndata: b\n\n')
		first.connection.connect()
		expect(first.log.filter((entry) => entry === 'gap')).toEqual(['gap'])
		expect(second.log).not.toContain('gap')
	})
})

// sse#33: a connection for each run of `load`, each of which reconnects.
test('twenty handles that reconnect make one request at a time', async ({
	connect,
	requests,
	clock
}) => {
	requests.serve = (call) => void call.fail()
	const most: number[] = []
	for (let run = 0; run < 20; run++) {
		const { connection } = connect({ close: ({ connect }) => connect() })
		connection.connect()
		await flushPromises()
		most.push(requests.active.length)
		await clock.advance(100)
	}
	expect(Math.max(...most)).toBeLessThanOrEqual(1)
	expect(requests.count).toBeLessThanOrEqual(10)
})

describe('a handle that comes to a link that has failed', () => {
	test('shows why, and its callbacks hear of what fails from then on', async ({
		connect,
		requests,
		clock
	}) => {
		connect().connection.connect()
		await flushPromises()
		await requests.last.refuse(503)
		const late = connect()
		late.connection.connect()
		expect(late.connection).toMatchObject({ status: 'reconnecting', error: { status: 503 } })
		expect(late.log).toEqual([])
		await clock.advance(30_000)
		await requests.last.fail()
		expect(late.log).toEqual([
			expect.stringContaining('error network'),
			expect.stringContaining('close network')
		])
	})

	test('and rests, shows why, and waits for what it has asked for', async ({
		connect,
		requests,
		clock
	}) => {
		const reconnect = { attempts: 0 }
		connect({ reconnect }).connection.connect()
		await flushPromises()
		await requests.last.refuse(503, '', { 'retry-after': '20' })
		const late = connect({ reconnect })
		late.connection.connect()
		expect(late.connection).toMatchObject({ status: 'reconnecting', error: { status: 503 } })
		await clock.advance(19_000)
		expect([late.log, requests.count]).toEqual([[], 1])
		await clock.advance(2_000)
		await requests.last.hello()
		expect(late.log).toEqual(['open accepted'])
	})
})
