import { get, type Readable } from 'svelte/store'
import { describe, expect } from 'vitest'
import { produce, source, type SourceEvent, type SourceOptions } from '../../../src/lib/index.js'
import { collect } from '../../../src/lib/testing/index.js'
import { events, flushPromises, listen, test, watch } from './fixture.js'
import type { Exchange } from './server.js'

describe('a connection', () => {
	test('works detached: select, connect and close', async ({ connect, server }) => {
		const { select, connect: open, close } = connect().connection
		const { got } = listen(select('message'))
		await flushPromises()
		await server.last.hello({ text: events('a') })
		close()
		await server.last.write(events('b'))
		expect([got, server.open]).toEqual([['a'], []])
		open()
		await flushPromises()
		expect(server.count).toBe(2)
	})

	test('has the same methods each time', ({ connect }) => {
		const { connection } = connect()
		for (const name of ['select', 'connect', 'close'] as const)
			expect(connection[name]).toBe(connection[name])
	})

	test('works spread into another object', async ({ connect, server }) => {
		const { connection } = connect()
		const mine = { ...connection, name: 'mine' }
		const { got } = listen(mine.select('message'))
		await flushPromises()
		await server.last.hello({ text: events('a') })
		expect(got).toEqual(['a'])
		mine.close()
		expect(connection.status).toBe('closed')
		mine.connect()
		await flushPromises()
		expect(server.count).toBe(2)
	})

	// A library on npm passes `select` on by itself.
	test('gives channels by a `select` that is passed on', async ({ connect, server }) => {
		const { connection } = connect()
		const lists = ['a', 'b'].map(connection.select).map(listen)
		await flushPromises()
		await server.last.hello({ text: 'event: a\ndata: 1\n\nevent: b\ndata: 2\n\n' })
		expect(lists.map(({ got }) => got)).toEqual([['1'], ['2']])
		const { select } = connection
		expect(select('a')).toBe(connection.select('a'))
	})

	test('may be closed and connected by a DOM event, whose object it does not look at', async ({
		connect,
		server
	}) => {
		const { connection } = connect()
		const target = new EventTarget()
		target.addEventListener('connect', connection.connect)
		target.addEventListener('close', connection.close)
		target.dispatchEvent(new Event('connect'))
		await flushPromises()
		await server.last.hello()
		expect(connection.status).toBe('open')
		target.dispatchEvent(new Event('close'))
		expect(connection.status).toBe('closed')
	})

	test('closes by a detached `close` as a clean-up, as 0.14 was used', async ({
		connect,
		server
	}) => {
		const { connection } = connect()
		const cleanUps: (() => void)[] = []
		const onDestroy = (cleanUp: () => void) => cleanUps.push(cleanUp)
		onDestroy(connection.close)
		listen(connection.select('message'))
		await flushPromises()
		for (const cleanUp of cleanUps) cleanUp()
		expect([connection.status, server.open]).toEqual(['closed', []])
	})
})

describe('a channel', () => {
	test('works detached: subscribe, json and transform', async ({ connect, server }) => {
		const { subscribe, json, transform } = connect().connection.select('message')
		const seen: unknown[] = []
		subscribe((text) => seen.push(text))
		json<number>().subscribe((number) => seen.push(number))
		transform((text) => `(${text})`).subscribe((text) => seen.push(text))
		seen.length = 0
		await flushPromises()
		await server.last.hello({ text: events('1') })
		expect(seen).toHaveLength(3)
		expect(seen).toEqual(expect.arrayContaining(['1', 1, '(1)']))
	})

	test('works spread into another object, as a store', async ({ connect, server }) => {
		const { connection } = connect()
		const mine = { ...connection.select('message'), name: 'mine' }
		const { seen } = watch<unknown>(mine as Readable<string>)
		const parsed = { ...mine.json<number>() }
		const doubled = watch<unknown>({ ...parsed.transform((number) => number * 2) })
		await flushPromises()
		await server.last.hello({ text: events('1') })
		expect([seen, doubled.seen]).toEqual([
			['', '1'],
			[null, 2]
		])
		expect(get(mine as Readable<string>)).toBe('1')
	})

	test('has the same methods each time', ({ connect }) => {
		const channel = connect().connection.select('message')
		for (const name of ['subscribe', 'json', 'transform'] as const)
			expect(channel[name]).toBe(channel[name])
	})
})

describe('what `produce` hands to its function', () => {
	test('works detached, and is kept for later', async () => {
		const kept: { emit?: (name: string, data: string) => { error: false | Error } } = {}
		let end!: () => void
		const response = produce((connection) => {
			const { emit, lock } = connection
			kept.emit = emit
			end = () => lock.set(false)
			emit('message', 'at once')
		})
		await flushPromises()
		expect(kept.emit!('message', 'later').error).toBe(false)
		end()
		expect(kept.emit!('message', 'too late').error).toBeInstanceOf(Error)
		expect((await collect(response)).map(({ data }) => data)).toEqual(['at once', 'later'])
	})
})

describe('`close` is called', () => {
	const down = (exchange: Exchange) => exchange.fail()
	const names = ['close', 'onclose', 'nested onclose'] as const
	/** The options with a callback of this name. */
	const named = (
		name: (typeof names)[number],
		callback: (event: SourceEvent) => void
	): SourceOptions =>
		name === 'nested onclose'
			? { options: { onclose: callback as () => void } }
			: { [name]: callback }

	for (const name of names)
		// It was called for each attempt that failed.
		test(`once per outage while the library reconnects, as \`${name}\``, async ({
			server,
			clock,
			page: _,
			onTestFinished
		}) => {
			let calls = 0
			const connection = source('/events', { fetch: server.fetch, ...named(name, () => calls++) })
			onTestFinished(() => connection.close())
			connection.connect()
			await flushPromises()
			for (const outage of [1, 2]) {
				server.serve = undefined
				await server.last.hello({ text: events('a') })
				server.serve = down
				await server.last.end()
				await clock.advance(300_000)
				expect(calls).toBe(outage)
				server.serve = undefined
				if (!server.last.isOpen) await clock.advance(connection.retryAt!)
			}
			connection.close()
			await clock.advance(1_000)
		})

	test('once for an outage that was there from the start, and `error` for each attempt', async ({
		connect,
		server,
		clock
	}) => {
		server.serve = down
		const { connection, log, heard } = connect()
		connection.connect()
		await clock.advance(60_000)
		expect(log.filter((entry) => entry.startsWith('close'))).toEqual([
			'close network !network again in 250'
		])
		const errors = heard.filter(({ name }) => name === 'error')
		expect(errors).toHaveLength(server.count)
		expect(errors.map(({ attempt }) => attempt)).toEqual(errors.map((_, index) => index + 1))
	})

	test('once more when the outage ends in `closed`', async ({ connect, server, clock }) => {
		server.serve = down
		const { connection, log } = connect({ reconnect: { attempts: 3 } })
		connection.connect()
		await clock.advance(60_000)
		expect([connection.status, server.count]).toEqual(['closed', 4])
		expect(log.filter((entry) => entry.startsWith('close'))).toEqual([
			'close network !network again in 250',
			'close network !network'
		])
	})

	test('once more when close() ends the outage', async ({ connect, server, clock }) => {
		server.serve = down
		const { connection, log } = connect()
		connection.connect()
		await clock.advance(5_000)
		connection.close()
		expect(log.filter((entry) => entry.startsWith('close'))).toEqual([
			'close network !network again in 250',
			'close local (local)'
		])
	})

	const ends: [string, (exchange: Exchange) => Promise<void>, string][] = [
		['done', (exchange) => exchange.goodbye('done'), 'close done'],
		['denied', (exchange) => exchange.goodbye('denied'), 'close denied !denied'],
		[
			'restart, where nothing comes back',
			(exchange) => exchange.goodbye('restart'),
			'close restart'
		],
		['a cut, where nothing comes back', (exchange) => exchange.end(), 'close cut !cut']
	]
	for (const [what, end, told] of ends)
		test(`by each ending that leaves the connection closed: ${what}`, async ({
			connect,
			server,
			clock
		}) => {
			const { connection, log } = connect({ reconnect: false })
			for (let round = 1; round <= 3; round++) {
				connection.connect()
				await clock.advance(1_000)
				if (!server.last.isOpen) throw new Error('No request came.')
				await server.last.hello({ text: events('a') })
				await end(server.last)
				expect(connection.status).toBe('closed')
				expect(log.filter((entry) => entry === told)).toHaveLength(round)
			}
		})

	test('by each refusal that leaves the connection closed', async ({ connect, server, clock }) => {
		server.serve = (exchange) => exchange.refuse(404)
		const { connection, log } = connect()
		for (let round = 1; round <= 3; round++) {
			connection.connect()
			await clock.advance(60_000)
			expect(log.filter((entry) => entry.startsWith('close'))).toHaveLength(round)
		}
		expect(connection.status).toBe('closed')
	})
})

describe('connect() in `close` comes back', () => {
	for (const how of ['event', 'handle'] as const)
		test(`from each failure with \`reconnect: false\`, by the ${how}`, async ({
			connect,
			server,
			clock
		}) => {
			server.serve = (exchange) => exchange.fail()
			const { connection, log } = connect({
				reconnect: false,
				close: (event) => (how === 'event' ? event : connection).connect()
			})
			listen(connection.select('message'))
			await clock.advance(60_000)
			expect(server.count).toBeGreaterThan(4)
			expect(server.count).toBeLessThan(20)
			expect(log.filter((entry) => entry.startsWith('close'))).toHaveLength(server.count)
			server.serve = (exchange) => exchange.hello()
			await clock.advance(60_000)
			expect(connection.status).toBe('open')
		})

	/** Streams that end in order after a second, as servers of 0.14 ended theirs. */
	const servers: [string, (exchange: Exchange) => unknown, (exchange: Exchange) => unknown][] = [
		['of 0.14', (exchange) => exchange.answer(events('a')), (exchange) => exchange.end()],
		[
			'that says `done`',
			(exchange) => exchange.hello({ text: events('a') }),
			(exchange) => exchange.goodbye('done')
		],
		[
			'that says `restart`',
			(exchange) => exchange.hello({ text: events('a') }),
			(exchange) => exchange.goodbye('restart')
		],
		[
			'that sends ids',
			(exchange) => exchange.answer('id: 1\ndata: a\n\n'),
			(exchange) => exchange.end()
		]
	]
	for (const reconnect of [true, false])
		for (const [what, begin, end] of servers)
			// 0.14 made 75 requests a minute, and 1.0 made 8.
			test(`as often as 0.14 did, to a server ${what}, with \`reconnect: ${reconnect}\``, async ({
				connect,
				server,
				clock
			}) => {
				server.serve = begin
				const { connection } = connect({ reconnect, close: ({ connect }) => connect() })
				const { got } = listen(connection.select('message'))
				for (let time = 0; time < 60_000; time += 50) {
					await clock.advance(50)
					for (const exchange of server.open)
						if (clock.now - exchange.at >= 1_000) await end(exchange)
				}
				expect(server.count).toBeGreaterThanOrEqual(38)
				expect(server.count).toBeLessThanOrEqual(80)
				expect(got.length).toBe(server.count)
			})
})
