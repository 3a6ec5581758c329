import { describe, expect } from 'vitest'
import { produce } from '../../../src/lib/produce/produce.js'
import type { SourceOptions } from '../../../src/lib/source/options.js'
import { source } from '../../../src/lib/source/source.js'
import { flushPromises } from '../../../src/lib/testing/flush-promises.js'
import { startHttpServer } from '../../support/http-server.js'
import { test } from './fixture.js'

describe('source()', () => {
	test('sends a POST by default, and understands the nested settings of 0.14', async ({
		connect,
		requests
	}) => {
		connect().connection.connect()
		connect({ options: { method: 'put', headers: { a: '1' }, body: 'x' } }).connection.connect()
		connect({
			method: 'PATCH',
			headers: { a: '2' },
			options: { method: 'put', headers: { a: '1' }, body: 'x' }
		}).connection.connect()
		await flushPromises()
		expect(
			requests.all.map(({ init, headers }) => [init.method, headers.get('a'), init.body])
		).toEqual([
			['POST', null, undefined],
			['PUT', '1', 'x'],
			['PATCH', '2', 'x']
		])
	})

	test('passes on what `fetch` takes, nested as in 0.14; what stands outside wins', async ({
		connect,
		requests
	}) => {
		const init = {
			cache: 'reload',
			credentials: 'omit',
			integrity: '',
			keepalive: false,
			mode: 'cors',
			priority: 'high',
			redirect: 'error',
			referrer: '',
			referrerPolicy: 'no-referrer'
		} satisfies SourceOptions['options']
		connect({ options: init }).connection.connect()
		connect({ options: init, credentials: 'include' }).connection.connect()
		await flushPromises()
		expect(requests.all.map(({ init }) => init)).toMatchObject([
			init,
			{ ...init, credentials: 'include' }
		])
	})

	test('makes the requests of `fetch` itself heed nested settings', async () => {
		await using server = await startHttpServer(({ url }) =>
			new URL(url).pathname === '/'
				? new Response(null, { status: 307, headers: { location: '/stream' } })
				: produce(({ emit, close }) => (emit('message', 'a'), close()))
		)
		using following = source(server.url)
		expect(await following.select('message').next()).toBe('a')
		using staying = source(server.url, { options: { redirect: 'error' }, reconnect: false })
		await expect(staying.select('message').next()).rejects.toMatchObject({ code: 'network' })
	})

	// 0.14 passed the whole object on, and what `fetch` does not know with it.
	test('keeps its own nested settings from `fetch`', async ({ connect, requests }) => {
		connect({ options: { openWhenHidden: true, onclose: () => {} } }).connection.connect()
		await flushPromises()
		expect(Object.keys(requests.last.init).sort()).toEqual([
			'body',
			'cache',
			'credentials',
			'duplex',
			'headers',
			'method',
			'signal'
		])
	})

	test('takes a nested setting where the outer one is undefined', async ({ connect, requests }) => {
		const options = { method: 'PUT', headers: { a: '1' }, body: 'x' }
		connect({
			method: undefined,
			headers: undefined,
			body: undefined,
			options
		}).connection.connect()
		await flushPromises()
		const { init, headers } = requests.last
		expect([init.method, headers.get('a'), init.body]).toEqual(['PUT', '1', 'x'])
	})

	test('sends no body where the outer one is null', async ({ connect, requests }) => {
		connect({ body: null, options: { body: 'nested' } }).connection.connect()
		await flushPromises()
		expect(requests.last.init.body ?? null).toBe(null)
	})

	test('takes a URL, absolute or relative to the page', async ({ connect, requests }) => {
		connect({}, new URL('http://other.test/a')).connection.connect()
		connect({}, 'sub?b').connection.connect()
		await flushPromises()
		expect(requests.all.map(({ url }) => url)).toEqual([
			'http://other.test/a',
			'http://app.test/sub?b'
		])
	})

	for (const [where, options] of [
		['nested', { options: { openWhenHidden: false } }],
		['outside', { openWhenHidden: false }],
		['outside and not nested', { openWhenHidden: false, options: { openWhenHidden: true } }]
	] as [string, SourceOptions][])
		test(`makes \`openWhenHidden: false\` of 0.14, ${where}, a pause`, async ({
			connect,
			requests,
			page,
			clock
		}) => {
			connect(options).connection.connect()
			await flushPromises()
			await requests.last.hello()
			await page.hide()
			await clock.advance(0)
			expect(requests.active).toEqual([])
		})

	for (const from of ['http://', 'http://a b', 'https://x:99999'])
		test(`refuses \`${from}\`, which is no URL`, () => {
			expect(() => source(from)).toThrow(expect.objectContaining({ code: 'invalid-url' }))
		})

	for (const from of [undefined, null, 42, {}])
		test(`refuses ${JSON.stringify(from)} in place of a URL`, () => {
			expect(() => source(from as never)).toThrow(
				expect.objectContaining({ name: 'SseError', code: 'invalid-url' })
			)
		})

	for (const options of [
		null,
		{ method: 1 },
		{ headers: { 'no good': '1' } },
		{ body: { a: 1 } },
		{ body: [1] },
		{ method: 'GET', body: 'x' },
		{ open: 'x' },
		{ onclose: 1 },
		{ gap: 1 },
		{ fetch: 'x' },
		{ signal: {} },
		{ linger: -1 },
		{ linger: '5' },
		{ watchdog: true },
		{ reconnect: 5 },
		{ reconnect: null },
		{ reconnect: { min: -1 } },
		{ reconnect: { max: NaN } },
		{ reconnect: { decide: 5 } },
		{ hidden: 'never' },
		{ hidden: { pauseAfter: '1' } },
		{ lastEventId: 5 },
		{ key: 5 },
		{ urlChange: 'keep' },
		{ connectTimeout: -1 },
		{ credentials: 'always' },
		{ options: { mode: 'navigate' } },
		{ options: { redirect: 'never' } },
		{ events: { order: {} } }
	])
		test(`refuses ${describeOptions(options)}`, () => {
			expect(() => source('/events', options as never)).toThrow(
				expect.objectContaining({ name: 'SseError', code: 'invalid-argument' })
			)
		})
})

function describeOptions(options: unknown): string {
	return JSON.stringify(options, (_, value: unknown) => (Number.isNaN(value) ? 'NaN' : value))
}
