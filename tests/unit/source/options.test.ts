import { describe, expect } from 'vitest'
import { source } from '../../../src/lib/source.js'
import { settled } from '../../support/clock.js'
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
		await settled()
		expect(
			requests.all.map(({ init, headers }) => [init.method, headers.get('a'), init.body])
		).toEqual([
			['POST', null, undefined],
			['PUT', '1', 'x'],
			['PATCH', '2', 'x']
		])
	})

	test('takes a URL, absolute or relative to the page', async ({ connect, requests }) => {
		connect({}, new URL('http://other.test/a')).connection.connect()
		connect({}, 'sub?b').connection.connect()
		await settled()
		expect(requests.all.map(({ url }) => url)).toEqual([
			'http://other.test/a',
			'http://app.test/sub?b'
		])
	})

	test('makes `openWhenHidden: false` of 0.14 a pause', async ({
		connect,
		requests,
		page,
		clock
	}) => {
		connect({ options: { openWhenHidden: false } }).connection.connect()
		await settled()
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
		{ body: new ReadableStream() },
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
		{ events: { order: {} } }
	])
		test(`refuses ${describeOptions(options)}`, () => {
			expect(() => source('/events', options as never)).toThrow(
				expect.objectContaining({ name: 'SseError', code: 'invalid-argument' })
			)
		})
})

function describeOptions(options: unknown): string {
	return JSON.stringify(options, (_, value: unknown) =>
		value instanceof ReadableStream ? 'a stream' : Number.isNaN(value) ? 'NaN' : value
	)
}
