import { describe, expect } from 'vitest'
import { defineEvents, type SourceOptions, type SseError } from '../../../src/lib/index.js'
import { events, flushPromises, listen, test } from './fixture.js'

type From = string | URL | (() => string)

describe('equal requests share one connection', () => {
	const spelled: [string, SourceOptions, SourceOptions?][] = [
		['the method', { method: 'POST' }],
		['`cache`', { cache: true }],
		['`credentials`', { credentials: 'same-origin' }],
		['`credentials`, nested', { options: { credentials: 'same-origin' } }],
		['the `cache` of `fetch`', { options: { cache: 'no-store' } }],
		['no nested options', { options: {} }],
		['no headers', { headers: {} }],
		['no headers, as an object of headers', { headers: new Headers() }],
		['no headers, as a list', { headers: [] }],
		['no body', { body: null }],
		['no body, nested', { options: { body: null } }],
		['`reconnect`', { reconnect: true }],
		['`reconnect`, empty', { reconnect: {} }],
		[
			'`reconnect`, in full',
			{ reconnect: { min: 500, max: 30_000, attempts: Infinity, minUptime: 5_000 } }
		],
		['`reconnect`, in part', { reconnect: { max: 30_000, decide: undefined } }],
		['`hidden`', { hidden: 'keep' }],
		['`openWhenHidden` of 0.14', { openWhenHidden: true }],
		['`openWhenHidden: false` of 0.14', { openWhenHidden: false }, { hidden: { pauseAfter: 0 } }],
		['`watchdog`', { watchdog: undefined }],
		['`linger`', { linger: 100 }],
		['`connectTimeout`', { connectTimeout: 30_000 }],
		['`urlChange`', { urlChange: 'reset' }],
		['`lastEventId`', { lastEventId: undefined }],
		['`initial`', { initial: {} }],
		['`key`', { key: undefined }]
	]
	for (const [what, options, other = {}] of spelled)
		test(`with ${what} spelled out or left out`, async ({ connect, server }) => {
			connect(other).connection.connect()
			connect(options).connection.connect()
			await flushPromises()
			expect(server.count).toBe(1)
		})

	const own: [string, SourceOptions][] = [
		['`linger`', { linger: 5_000 }],
		['`urlChange`', { urlChange: 'resume' }],
		['`initial`', { initial: { price: '5' } }],
		['`initial` function', { initial: () => ({ price: '5' }) }],
		['signal', { signal: new AbortController().signal }],
		['callbacks', { open: () => {}, gap: () => {}, onmessage: () => {} }]
	]
	for (const [what, options] of own)
		test(`with another ${what}, which is the handle's own`, async ({ connect, server }) => {
			connect().connection.connect()
			connect(options).connection.connect()
			await flushPromises()
			expect(server.count).toBe(1)
		})

	test('with headers that cannot be sent, which is said where it is heard', async ({
		connect,
		server
	}) => {
		const headers: Record<string, string> = {}
		const { connection, heard } = connect({ headers })
		headers['no good'] = '1'
		connection.connect()
		await flushPromises()
		expect(heard.map(({ name, error }) => [name, (error as SseError).code])).toEqual([
			['error', 'request'],
			['close', 'request']
		])
		expect(server.count).toBe(0)
	})

	const urls: [string, From, From][] = [
		['another hash', '/events#a', '/events#b'],
		['a hash and none', '/events#a', '/events'],
		['a URL object and a text', new URL('http://app.test/events'), '/events'],
		['a host in capitals', 'http://APP.test/events', '/events'],
		['a port that is the default', 'http://app.test:80/events', '/events'],
		['letters that are escaped', '/events?q=a%20b', '/events?q=a b']
	]
	for (const [what, one, two] of urls)
		test(`with ${what} in the URL`, async ({ connect, server }) => {
			connect({}, one).connection.connect()
			connect({}, two).connection.connect()
			await flushPromises()
			expect(server.count).toBe(1)
		})

	const bodies: [string, () => SourceOptions['body']][] = [
		['text', () => 'a=1'],
		['`URLSearchParams`', () => new URLSearchParams('a=1&b=2')],
		['`URLSearchParams` of a list', () => new URLSearchParams([['a', '1']])]
	]
	for (const [what, make] of bodies)
		test(`with a body of equal ${what}`, async ({ connect, server }) => {
			connect({ body: make() }).connection.connect()
			connect({ body: make() }).connection.connect()
			await flushPromises()
			expect(server.count).toBe(1)
		})

	test('and get every event, each on its own channels', async ({ connect, server }) => {
		const handles = [
			connect({ reconnect: true }, '/events#a').connection,
			connect({ method: 'POST', headers: {} }, '/events#b').connection
		]
		const heard = handles.map((handle) => listen(handle.select('message')))
		await flushPromises()
		await server.last.hello({ text: events('a') })
		expect(heard.map(({ got }) => got)).toEqual([['a'], ['a']])
		expect(server.count).toBe(1)
	})
})

describe('requests that differ do not share', () => {
	const split: [string, SourceOptions, SourceOptions][] = [
		[
			'`URLSearchParams` of another text',
			{ body: new URLSearchParams('a=1') },
			{ body: new URLSearchParams('a=2') }
		],
		[
			'text and `URLSearchParams`, which have other content types',
			{ body: 'a=1' },
			{ body: new URLSearchParams('a=1') }
		],
		['forms', { body: new FormData() }, { body: new FormData() }],
		['`connectTimeout`', { connectTimeout: 1_000 }, {}],
		['`lastEventId`', { lastEventId: '1' }, { lastEventId: '2' }],
		[
			'contracts',
			{ events: defineEvents({}, { version: 1 }) },
			{ events: defineEvents({}, { version: 2 }) }
		],
		['`cache: false`', { cache: false }, { cache: false }]
	]
	for (const [what, one, two] of split)
		test(what, async ({ connect, server }) => {
			connect(one).connection.connect()
			connect(two).connection.connect()
			await flushPromises()
			expect(server.count).toBe(2)
		})

	test('`URLSearchParams` that are changed after the call count as they were', async ({
		connect,
		server
	}) => {
		const body = new URLSearchParams('a=1')
		connect({ body }).connection.connect()
		await flushPromises()
		body.set('a', '2')
		connect({ body: new URLSearchParams('a=2') }).connection.connect()
		await flushPromises()
		expect(server.count).toBe(2)
	})
})

describe('`key` stands in for the identity of inline functions', () => {
	const inline: [string, () => SourceOptions, (() => From)?][] = [
		['headers', () => ({ headers: () => ({ a: '1' }) })],
		['body', () => ({ method: 'POST', body: () => 'a' })],
		['`decide`', () => ({ reconnect: { decide: () => 1_000 } })],
		['URL', () => ({}), () => () => '/events'],
		['headers and URL', () => ({ headers: () => ({}) }), () => () => '/events']
	]
	for (const [what, options, from = () => '/events'] of inline) {
		test(`of the ${what}: equal keys share`, async ({ connect, server, warned }) => {
			for (const _ of [1, 2]) connect({ ...options(), key: 'orders' }, from()).connection.connect()
			await flushPromises()
			expect(server.count).toBe(1)
			expect(warned).toEqual([])
		})

		// The URL of a function is the URL that it gives: handles follow it each for itself.
		if (what !== 'URL')
			test(`of the ${what}: other keys, and none, do not share`, async ({ connect, server }) => {
				for (const key of ['one', 'two', undefined, undefined])
					connect({ ...options(), key }, from()).connection.connect()
				await flushPromises()
				expect(server.count).toBe(4)
			})
	}

	test('of a `fetch` too', async ({ connect, server }) => {
		for (const _ of [1, 2])
			connect({
				key: 'orders',
				fetch: (...given: Parameters<typeof fetch>) => server.fetch(...given)
			}).connection.connect()
		await flushPromises()
		expect(server.count).toBe(1)
	})

	const others: [string, SourceOptions, From?][] = [
		['URL', {}, '/other'],
		['method', { method: 'PUT' }],
		['credentials', { credentials: 'include' }],
		['`reconnect`', { reconnect: { max: 1_000 } }],
		['`watchdog`', { watchdog: 1_000 }],
		['plain body', { body: 'a' }],
		['`lastEventId`', { lastEventId: '7' }]
	]
	for (const [what, options, from] of others)
		test(`alone: another ${what} still splits`, async ({ connect, server }) => {
			const headers = () => ({ a: '1' })
			connect({ key: 'orders', headers: () => headers() }).connection.connect()
			connect({ key: 'orders', headers: () => headers(), ...options }, from).connection.connect()
			await flushPromises()
			expect(server.count).toBe(2)
		})

	test('and two URL functions share as long as they give the same URL', async ({
		connect,
		server
	}) => {
		for (const room of [1, 2, 2])
			connect({ key: 'rooms' }, () => `/rooms/${room}`).connection.connect()
		await flushPromises()
		expect(server.urls).toEqual(['http://app.test/rooms/1', 'http://app.test/rooms/2'])
	})
})

describe('development warns', () => {
	test('once when several connections to one URL are open because of inline functions', async ({
		connect,
		server,
		warned
	}) => {
		for (const _ of [1, 2, 3, 4]) {
			connect({ headers: () => ({ a: '1' }) }).connection.connect()
			await flushPromises()
			await server.last.hello()
		}
		expect(server.open).toHaveLength(4)
		expect(warned).toEqual([expect.stringMatching(/http:\/\/app\.test\/events.*`key`/s)])
	})

	test('for each URL', async ({ connect, warned }) => {
		for (const url of ['/a', '/b', '/a', '/b'])
			connect({ headers: () => ({ a: '1' }) }, url).connection.connect()
		await flushPromises()
		expect(warned).toHaveLength(2)
	})

	const quiet: [string, () => SourceOptions, (() => From)?][] = [
		['the functions are the same', () => ({ headers })],
		['there are no functions', () => ({ headers: { a: `${++count}` } })],
		['sharing is off', () => ({ cache: false, headers: () => ({}) })],
		['the URLs are others', () => ({ headers: () => ({}) }), () => `/events?${++count}`],
		['the bodies are others', () => ({ headers: () => ({}), body: `${++count}` })],
		['callbacks are inline', () => ({ open: () => {}, message: () => {} })]
	]
	const headers = () => ({ a: '1' })
	let count = 0
	for (const [what, options, from = () => '/events'] of quiet)
		test(`not when ${what}`, async ({ connect, warned }) => {
			for (const _ of [1, 2, 3]) connect(options(), from()).connection.connect()
			await flushPromises()
			expect(warned).toEqual([])
		})

	test('not when one was closed before the other is opened', async ({ connect, warned }) => {
		for (const _ of [1, 2, 3]) {
			const { connection } = connect({ headers: () => ({ a: '1' }) })
			connection.connect()
			await flushPromises()
			connection.close()
		}
		expect(warned).toEqual([])
	})
})
