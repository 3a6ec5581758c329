import { describe, expect } from 'vitest'
import { source } from '../../src/lib/source/source.js'
import type { SourceOptions } from '../../src/lib/source/options.js'
import { test } from './fixture.js'

/** The request that the browser would send. */
async function sent(url: string, options: SourceOptions): Promise<Request> {
	const request = Promise.withResolvers<Request>()
	const connection = source(url, {
		...options,
		reconnect: false,
		fetch: (url, init) => {
			request.resolve(new Request(url, init))
			return new Promise(() => {})
		}
	})
	connection.connect()
	const result = await request.promise
	connection.close()
	return result
}

const json = 'application/json'
const text = 'text/plain;charset=UTF-8'

describe('the content type of a request', () => {
	for (const [what, options, type] of [
		['no body', {}, json],
		['no body, by PUT', { method: 'PUT' }, json],
		['no body, by GET', { method: 'GET' }, null],
		['a body function that gives none', { body: () => undefined }, json],
		['text', { body: '{}' }, json],
		['empty text', { body: '' }, json],
		['text from a function', { body: async () => '{}' }, json],
		['text with a type', { body: 'a', headers: { 'Content-Type': 'text/csv' } }, 'text/csv'],
		['a form of text', { body: new URLSearchParams('a=b') }, /^application\/x-www-form-urlencoded/],
		['a form', { body: new FormData() }, /^multipart\/form-data; boundary=/],
		['a blob', { body: new Blob(['a'], { type: 'image/png' }) }, 'image/png'],
		['bytes', { body: new Uint8Array(1) }, null]
	] as [string, SourceOptions, string | RegExp | null][])
		test(`is ${String(type)} for ${what} to the page's own origin`, async () => {
			const found = (await sent('/events', options)).headers.get('content-type')
			if (type instanceof RegExp) expect(found).toMatch(type)
			else expect(found).toBe(type)
		})

	// With another type the browser would ask the server for leave before every request.
	test('is what the browser makes of it for another origin', async ({ room }) => {
		expect(new URL(room.url).origin).not.toBe(origin)
		expect((await sent(room.url, {})).headers.get('content-type')).toBe(null)
		expect((await sent(room.url, { body: '{}' })).headers.get('content-type')).toBe(text)
	})
})
