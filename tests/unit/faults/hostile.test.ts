import { PassThrough } from 'node:stream'
import { describe, expect, vi } from 'vitest'
import type { SourceOptions } from '../../../src/lib/index.js'
import { events, flushPromises, listen, test } from './fixture.js'

/** What every HTTP server takes as the value of a header. */
const isHeader = (value: string) => /^[\t\x20-\x7e\x80-\xff]*$/.test(value)

describe('an id', () => {
	const ids: [string, string][] = [
		['of 200 kB', 'x'.repeat(200_000)],
		['of 9 kB', 'x'.repeat(9_000)],
		['with control characters', 'a\u0001b\u0002\u001f'],
		['with a delete character', 'a\u007fb'],
		['with an escape', '\u001b[31mred'],
		['with a tab', 'a\tb'],
		['with a form feed', 'a\fb'],
		['of 100 kB of other letters', 'я'.repeat(50_000)],
		['with other letters', 'epoch-é-я-🙂'],
		['of a blank', ' ']
	]

	for (const [what, id] of ids)
		// A request with such a header fails, or is answered with 400 or 431, at each attempt, for ever.
		test(`${what} breaks no later request, and its event arrives`, async ({
			connect,
			server,
			clock
		}) => {
			const { connection } = connect()
			const { got } = listen(connection.select('message'))
			await flushPromises()
			await server.last.hello({ text: 'id: 1\ndata: a\n\n' })
			await server.last.write(`id: ${id}\ndata: b\n\n`)
			// The body is read in pieces, and others have their turn between.
			await vi.waitFor(() => expect(got).toContain('b'))
			for (let round = 0; round < 2; round++) {
				await server.last.end()
				await clock.advance(connection.retryAt!)
				const sent = server.last.lastEventId ?? ''
				expect(sent.length).toBeLessThanOrEqual(8_192)
				expect(isHeader(sent)).toBe(true)
				await server.last.hello({ text: events(`c${round}`) })
				expect([connection.status, connection.error]).toEqual(['open', undefined])
			}
			expect(got).toEqual(['a', 'b', 'c0', 'c1'])
			expect(server.count).toBe(3)
		})

	test('with other letters is sent as UTF-8, as the standard says', async ({
		connect,
		server,
		clock
	}) => {
		const { connection } = connect()
		connection.connect()
		await flushPromises()
		await server.last.hello({ text: 'id: é-🙂\ndata: a\n\n' })
		await server.last.end()
		await clock.advance(connection.retryAt!)
		const bytes = Uint8Array.from(server.last.lastEventId!, (letter) => letter.charCodeAt(0))
		expect(new TextDecoder().decode(bytes)).toBe('é-🙂')
	})

	test('that can be sent again is sent again after one that cannot', async ({
		connect,
		server,
		clock
	}) => {
		const { connection } = connect()
		connection.connect()
		await flushPromises()
		await server.last.hello({ text: `id: ${'x'.repeat(200_000)}\ndata: a\n\nid: 2\ndata: b\n\n` })
		await server.last.end()
		await clock.advance(connection.retryAt!)
		expect(server.last.lastEventId).toBe('2')
	})

	for (const [what, lastEventId] of [...ids, ['with a line break', 'a\nb'], ['with a NUL', 'a\0b']])
		test(`${what} that load gives breaks no request either`, async ({ connect, server }) => {
			const { connection } = connect({ lastEventId })
			connection.connect()
			await flushPromises()
			expect(server.count).toBe(1)
			const sent = server.last.lastEventId ?? ''
			expect(sent.length).toBeLessThanOrEqual(8_192)
			expect(isHeader(sent)).toBe(true)
		})
})

describe('a body that can be sent once', () => {
	const make = () =>
		new ReadableStream<Uint8Array>({
			start(controller) {
				controller.enqueue(new TextEncoder().encode('question'))
				controller.close()
			}
		})

	test('is sent once, and the error of the reconnect says what to do', async ({
		connect,
		server,
		clock
	}) => {
		const stream = make()
		const { connection } = connect({ body: () => stream })
		connection.connect()
		await flushPromises()
		expect(await server.last.request.text()).toBe('question')
		await server.last.hello({ text: events('a') })
		await server.last.end()
		await clock.advance(60_000)
		expect(server.count).toBe(1)
		expect(connection.error!.message).toMatch(/body.*function.*(each|every) attempt/is)
	})

	test('is made anew for each attempt by a function that does so', async ({
		connect,
		server,
		clock
	}) => {
		const { connection } = connect({ body: make })
		connection.connect()
		await flushPromises()
		await server.last.hello({ text: events('a') })
		await server.last.end()
		await clock.advance(connection.retryAt!)
		expect(await Promise.all(server.all.map(({ request }) => request.text()))).toEqual([
			'question',
			'question'
		])
	})

	test('may be sent where nothing comes back: with `reconnect: false`', async ({
		connect,
		server
	}) => {
		const stream = make()
		const { connection, log } = connect({ body: () => stream, reconnect: false })
		connection.connect()
		await flushPromises()
		await server.last.hello({ text: events('a') })
		await server.last.goodbye('done')
		expect([connection.status, log]).toEqual(['closed', ['open accepted', 'close done']])
	})
})

describe('a `fetch`', () => {
	const type = { 'content-type': 'text/event-stream' }
	const answer = (body: unknown) =>
		Object.defineProperty(new Response(null, { headers: type }), 'body', { value: body })

	const bodies: [string, () => unknown][] = [
		['null', () => null],
		['undefined', () => undefined],
		['a stream of Node', () => new PassThrough().end('data: a\n\n')],
		['a text', () => 'data: a\n\n'],
		['a blob', () => new Blob(['data: a\n\n'])]
	]
	for (const [what, make] of bodies)
		// React Native's has no body, and that of node-fetch is no stream of the web.
		test(`without a streaming body gets an error that says so: ${what}`, async ({ connect }) => {
			const { connection, log } = connect({ fetch: async () => answer(make()) })
			connection.connect()
			await flushPromises()
			expect(connection.error).toMatchObject({ name: 'SseError' })
			expect(connection.error!.message).toMatch(/`?fetch`?.*stream/is)
			expect(log[0]).toMatch(/^error /)
			expect(connection.status).not.toBe('open')
		})

	const broken: [string, () => unknown][] = [
		['throws', () => void JSON.parse('no')],
		['gives nothing', () => undefined],
		['gives null', async () => null],
		['gives a text', async () => 'data: a\n\n'],
		['rejects with nothing', () => Promise.reject()],
		[
			'gives a body that another reads',
			async () => {
				const response = new Response('data: a\n\n', { headers: type })
				response.body!.getReader()
				return response
			}
		]
	]
	for (const [what, fetch] of broken)
		test(`that ${what} is an error of that attempt, and nothing else`, async ({
			connect,
			clock
		}) => {
			let calls = 0
			const { connection, log } = connect({
				fetch: (() => {
					calls++
					return fetch()
				}) as typeof globalThis.fetch
			})
			connection.connect()
			await clock.advance(5_000)
			expect(log.filter((entry) => /^error \w+ !\w+/.test(entry))).not.toEqual([])
			expect(connection.error).toMatchObject({ name: 'SseError' })
			expect(['reconnecting', 'closed']).toContain(connection.status)
			expect(calls).toBeLessThan(10)
		})
})

describe("a `last-event-id` header of the user's own", () => {
	const shapes: [string, SourceOptions['headers']][] = [
		['in an object', { 'Last-Event-ID': 'mine' }],
		['in a list', [['last-event-id', 'mine']]],
		['of a function', () => ({ 'LAST-EVENT-ID': 'mine' })],
		['of a promise', async () => new Headers({ 'last-event-id': 'mine' })]
	]
	for (const [where, headers] of shapes)
		test(`${where} wins until the stream sends an id`, async ({ connect, server, clock }) => {
			const { connection } = connect({ headers, lastEventId: 'of load' })
			connection.connect()
			await flushPromises()
			await server.last.fail()
			await clock.advance(connection.retryAt!)
			await server.last.hello({ text: events('a') })
			await server.last.end()
			await clock.advance(connection.retryAt!)
			await server.last.hello({ text: 'id: 7\ndata: b\n\n' })
			await server.last.end()
			await clock.advance(connection.retryAt!)
			expect(server.lastEventIds).toEqual(['mine', 'mine', 'mine', '7'])
		})
})

describe('a stream', () => {
	const texts: [string, string][] = [
		[
			'names like what every object has',
			'event: __proto__\ndata: x\n\nevent: constructor\ndata: x\n\n'
		],
		['a `retry:` beyond all bounds', `retry: ${'9'.repeat(400)}\n\n`],
		['a `retry:` that is no number', 'retry: soon\n\nretry: -1\n\nretry: 1e3\n\n'],
		['a goodbye for a reason that nobody knows', ': sveltekit-sse/1 close bored\n\n'],
		['a second hello', ': sveltekit-sse/1 hello ping=1\n\n'],
		['a hello with a ping that is no number', ': sveltekit-sse/1 hello ping=soon\n\n'],
		['a comment that goes on for 100 kB', `:${'x'.repeat(100_000)}\n\n`],
		['fields that nobody knows', 'mood: good\ntime: now\n\n'],
		['NUL in an id', 'id: a\0b\ndata: \0\n\n'],
		['bytes that are no UTF-8', '\ufffd\ufffd\n\n']
	]
	for (const [what, text] of texts)
		test(`with ${what} goes on`, async ({ connect, server, clock }) => {
			const { connection, log } = connect({ watchdog: false })
			const { got } = listen(connection.select('last'))
			await flushPromises()
			await server.last.hello({ ping: 0 })
			await server.last.write(text)
			await clock.advance(1_000)
			await server.last.write('event: last\ndata: a\n\n')
			expect([connection.status, got, log]).toEqual(['open', ['a'], ['open accepted']])
			server.serve = (exchange) => exchange.hello({ ping: 0 })
			await server.last.end()
			await clock.advance(301_000)
			expect(server.count).toBe(2)
			expect(server.lastEventIds).toEqual([null, null])
		})

	for (const header of [
		'',
		'1',
		'1; ping=',
		'1; ping=soon',
		'1; ping=-5',
		'2; ping=5',
		'no',
		';;;'
	])
		test(`whose header says '${header}' is read all the same`, async ({
			connect,
			server,
			clock
		}) => {
			const { connection } = connect()
			const { got } = listen(connection.select('message'))
			await flushPromises()
			await server.last.answer('', { headers: { 'sveltekit-sse': header } })
			await clock.advance(10_000)
			await server.last.write(events('a'))
			expect([connection.status, got, server.count]).toEqual(['open', ['a'], 1])
		})
})
