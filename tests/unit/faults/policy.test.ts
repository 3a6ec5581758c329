import { describe, expect } from 'vitest'
import { source, type ReconnectOptions, type SourceOptions } from '../../../src/lib/index.js'
import { events, flushPromises, listen, standing, test } from './fixture.js'
import type { Exchange } from './server.js'

const fails = (exchange: Exchange) => exchange.fail()

describe('from the second loss in a row on the delay is at least `min`', () => {
	const decisions: [string, ReconnectOptions['decide']][] = [
		['0', () => 0],
		['1 ms', () => 1],
		['-1', () => -1],
		['NaN', () => NaN],
		['undefined', () => undefined],
		['null', () => null as never]
	]
	const servers: [string, (exchange: Exchange) => unknown][] = [
		['is not there', fails],
		['asks for no wait', (exchange) => exchange.refuse(503, { 'retry-after': '0' })],
		[
			'ends each stream at once',
			(exchange) => {
				void exchange.hello()
				void exchange.goodbye('restart')
			}
		],
		[
			'asks for `retry: 0` and is cut',
			(exchange) => {
				void exchange.hello({ text: 'retry: 0\n\n' })
				void exchange.end()
			}
		]
	]

	for (const [what, serve] of servers)
		for (const [answer, decide] of decisions)
			test(`against a server that ${what}, when \`decide\` returns ${answer}`, async ({
				connect,
				server,
				clock,
				chance
			}) => {
				chance.value = 0
				server.serve = serve
				connect({ reconnect: { min: 400, decide } }).connection.connect()
				await clock.advance(20_000)
				expect(server.count).toBeGreaterThan(2)
				expect(Math.min(...server.waits.slice(1))).toBeGreaterThanOrEqual(400)
			})

	test('also where chance would have it shorter, without any option', async ({
		connect,
		server,
		clock,
		chance
	}) => {
		chance.value = 0
		server.serve = fails
		connect().connection.connect()
		await clock.advance(60_000)
		expect(Math.min(...server.waits.slice(1))).toBeGreaterThanOrEqual(500)
	})

	test('also for handlers that connect at each loss, by close() and connect()', async ({
		connect,
		server,
		clock,
		chance
	}) => {
		chance.value = 0
		server.serve = fails
		const { connection } = connect({
			error() {
				connection.close()
				connection.connect()
			}
		})
		connection.connect()
		await clock.advance(10_000)
		expect(server.count).toBeLessThanOrEqual(22)
		connection.close()
	})

	// It asked as fast as promises go.
	test('and a `min` of 0 makes no hot loop either', async ({ connect, server, clock }) => {
		server.serve = fails
		connect({ reconnect: { min: 0, max: 0, decide: () => 0 } }).connection.connect()
		await clock.advance(10_000)
		expect(server.count).toBeLessThanOrEqual(1_000)
	})
})

describe('a stream that delivered an event and ended in order', () => {
	const endings: Record<string, (exchange: Exchange) => Promise<void>> = {
		restart: (exchange) => exchange.goodbye('restart'),
		rotate: (exchange) => exchange.goodbye('rotate'),
		expired: (exchange) => exchange.goodbye('expired')
	}

	for (const [reason, end] of Object.entries(endings))
		test(`by ${reason} is no failure: the next attempt comes after 250 ms plus jitter, each time`, async ({
			connect,
			server,
			clock
		}) => {
			const { connection, log } = connect()
			connection.connect()
			await flushPromises()
			for (let round = 0; round < 5; round++) {
				await server.last.hello({ text: events('a') })
				await clock.advance(1_000)
				await end(server.last)
				expect([connection.status, connection.attempt]).toEqual(['reconnecting', 0])
				await clock.advance(499)
				expect(server.count).toBe(round + 1)
				await clock.advance(1)
				expect(server.count).toBe(round + 2)
			}
			expect(log.filter((entry) => entry.startsWith('error'))).toEqual([])
		})

	test('waits from 250 to 750 ms, by chance', async ({ connect, server, clock, chance }) => {
		server.serve = (exchange) => {
			void exchange.hello({ text: events('a') })
			void exchange.goodbye('restart')
		}
		connect().connection.connect()
		await flushPromises()
		for (const [value, wait] of [
			[0, 250],
			[0.999, 750]
		] as const) {
			chance.value = value
			const { count } = server
			await clock.advance(10_000)
			expect(server.count).toBeGreaterThan(count)
			expect(server.waits.at(-1)).toBe(wait)
		}
	})

	test('waits as long as the server asks, and the jitter on top', async ({
		connect,
		server,
		clock
	}) => {
		connect().connection.connect()
		await flushPromises()
		await server.last.hello({ text: events('a') })
		await server.last.goodbye('restart', 5_000)
		await clock.advance(4_999)
		expect(server.count).toBe(1)
		await clock.advance(1_000)
		expect(server.count).toBe(2)
	})

	const storms: [string, SourceOptions][] = [
		['`decide` returns 0', { reconnect: { decide: () => 0 } }],
		['`close` connects', { close: ({ connect }) => connect() }],
		[
			'`close` connects, with `reconnect: false`',
			{ reconnect: false, close: (event) => event.connect() }
		],
		['`message` connects', { message: ({ connect }) => connect() }]
	]
	for (const [what, options] of storms)
		test(`at once makes no storm when ${what}`, async ({ connect, server, clock, chance }) => {
			chance.value = 0
			server.serve = (exchange) => {
				void exchange.hello({ text: events('a') })
				void exchange.goodbye('restart')
			}
			connect(options).connection.connect()
			await clock.advance(10_000)
			expect(server.count).toBeGreaterThan(10)
			expect(server.count).toBeLessThanOrEqual(42)
		})

	test('makes the losses before it forgotten', async ({ connect, server, clock }) => {
		const { connection } = connect()
		connection.connect()
		await flushPromises()
		for (let loss = 0; loss < 4; loss++) {
			await server.last.fail()
			await clock.advance(connection.retryAt!)
		}
		await server.last.hello({ text: events('a') })
		await server.last.goodbye('restart')
		expect(connection.attempt).toBe(0)
		await clock.advance(500)
		await server.last.fail()
		expect(connection.attempt).toBe(1)
	})

	test('is no failure, but one that delivered nothing is', async ({
		connect,
		server,
		clock,
		chance
	}) => {
		chance.value = 0.999
		server.serve = (exchange) => {
			void exchange.hello()
			void exchange.goodbye('restart')
		}
		const { connection } = connect()
		connection.connect()
		await clock.advance(60_000)
		expect(server.count).toBeLessThanOrEqual(8)
		expect(connection.attempt).toBeGreaterThan(4)
	})
})

describe('`retry:` stays in force', () => {
	test('through failed attempts and streams that say nothing, until another comes', async ({
		connect,
		server,
		clock,
		chance
	}) => {
		chance.value = 0
		const { connection } = connect({ reconnect: { min: 1 } })
		connection.connect()
		await flushPromises()
		await server.last.hello({ text: 'retry: 7000\n\n' })
		await server.last.end()
		await clock.advance(10_000)
		await server.last.fail()
		await clock.advance(10_000)
		await server.last.refuse(500)
		await clock.advance(10_000)
		await server.last.hello({ text: events('a') })
		await server.last.end()
		await clock.advance(10_000)
		await server.last.hello({ text: 'retry: 2000\n\n' })
		await server.last.end()
		await clock.advance(3_000)
		await server.last.hello()
		await server.last.end()
		await clock.advance(3_000)
		expect(server.waits.map((wait) => Math.floor(wait / 1_000))).toEqual([7, 10, 10, 10, 5, 3])
	})

	test('after an orderly end of a later stream too', async ({ connect, server, clock }) => {
		connect().connection.connect()
		await flushPromises()
		await server.last.hello({ text: `retry: 7000\n\n${events('a')}` })
		await server.last.goodbye('restart')
		await clock.advance(8_000)
		expect(server.count).toBe(2)
		await server.last.hello({ text: events('a') })
		await server.last.goodbye('restart')
		await clock.advance(6_999)
		expect(server.count).toBe(2)
		await clock.advance(1_000)
		expect(server.count).toBe(3)
	})
})

describe('`Retry-After` binds', () => {
	const headers: [string, HeadersInit, number][] = [
		['503, in seconds', { 'retry-after': '60' }, 503],
		['429, in seconds', { 'retry-after': '60' }, 429],
		['503, as a date', { 'retry-after': new Date(Date.UTC(2000, 0) + 60_000).toUTCString() }, 503]
	]

	for (const [what, init, status] of headers)
		test(`after ${what}: connect(), close() and connect(), the network, the page and another handle`, async ({
			connect,
			server,
			clock,
			page
		}) => {
			server.serve = (exchange) => server.count === 1 && exchange.refuse(status, init)
			const { connection } = connect({ close: ({ connect }) => connect() })
			connection.connect()
			await flushPromises()
			const other = connect().connection
			const steps = [
				() => connection.connect(),
				() => page.online(),
				() => page.offline(),
				() => page.online(),
				() => page.hide(),
				() => page.show(),
				() => page.resume(),
				() => page.leave(),
				() => page.comeBack(),
				() => other.connect(),
				() => listen(other.select('message')),
				() => connection.close(),
				() => connection.connect()
			]
			for (const step of steps) {
				await step()
				await clock.advance(4_000)
				expect(server.count, String(step)).toBe(1)
			}
			await clock.advance(12_000)
			expect(server.count).toBe(2)
		})

	test('and shows in `retryAt`, also after connect()', async ({ connect, server, clock }) => {
		const { connection } = connect()
		connection.connect()
		await flushPromises()
		await server.last.refuse(503, { 'retry-after': '60' })
		connection.connect()
		await clock.advance(1_000)
		expect(+connection.retryAt! - Date.UTC(2000, 0)).toBeGreaterThanOrEqual(60_000)
	})

	test('no longer than it says: afterwards the back-off alone counts', async ({
		connect,
		server,
		clock
	}) => {
		const { connection } = connect()
		connection.connect()
		await flushPromises()
		await server.last.refuse(503, { 'retry-after': '60' })
		await clock.advance(connection.retryAt!)
		await server.last.refuse(503)
		await clock.advance(2_000)
		expect(server.count).toBe(3)
	})

	test('one URL, and not another of the same server', async ({ connect, server }) => {
		connect().connection.connect()
		await flushPromises()
		await server.last.refuse(503, { 'retry-after': '60' })
		connect({}, '/other').connection.connect()
		await flushPromises()
		expect(server.count).toBe(2)
	})
})

describe('the network', () => {
	test('that is said to be back several times makes one attempt', async ({
		connect,
		server,
		clock,
		page
	}) => {
		const { connection } = connect()
		connection.connect()
		await flushPromises()
		server.serve = fails
		// So far in the back-off that nothing but the network makes attempts.
		await server.last.fail()
		await clock.advance(60_000)
		const { count } = server
		for (let time = 0; time < 10; time++) {
			await page.online()
			await clock.advance(10)
		}
		expect(server.count - count).toBe(1)
	})

	test('that is said to be back during an attempt makes no other', async ({
		connect,
		server,
		clock,
		page
	}) => {
		connect().connection.connect()
		await flushPromises()
		await server.last.fail()
		for (let time = 0; time < 10; time++) {
			await page.online()
			await clock.advance(200)
		}
		expect(server.count).toBe(2)
	})

	test('of which the browser says that it is gone uses up no attempts', async ({
		connect,
		server,
		clock,
		page
	}) => {
		server.serve = fails
		const { connection } = connect({ reconnect: { attempts: 3 } })
		await page.offline()
		connection.connect()
		await clock.advance(3_600_000)
		expect(connection.status).toBe('reconnecting')
		server.serve = (exchange) => exchange.hello()
		await page.online()
		await clock.advance(1_000)
		expect(connection.status).toBe('open')
	})

	test('that goes in the middle of an outage stops the count, and it goes on where it was', async ({
		connect,
		server,
		clock,
		page
	}) => {
		server.serve = fails
		const { connection } = connect({ reconnect: { attempts: 3 } })
		connection.connect()
		await clock.advance(250)
		expect(connection.attempt).toBe(2)
		await page.offline()
		await clock.advance(3_600_000)
		expect(connection.status).toBe('reconnecting')
		await page.online()
		await clock.advance(60_000)
		expect(connection.status).toBe('closed')
	})

	test('of which the browser is wrong does not keep a server out of reach that is there', async ({
		connect,
		server,
		clock,
		page
	}) => {
		await page.offline()
		server.serve = (exchange) => exchange.hello()
		const { connection } = connect()
		connection.connect()
		await clock.advance(60_000)
		expect(connection.status).toBe('open')
	})
})

describe('`connectTimeout`', () => {
	for (const [connectTimeout, limit] of [
		[2_000, 2_000],
		[120_000, 120_000],
		[undefined, 30_000]
	])
		test(`of ${connectTimeout} gives a request up after ${limit} ms`, async ({
			connect,
			server,
			clock
		}) => {
			const { connection } = connect({ connectTimeout })
			connection.connect()
			await clock.advance(limit! - 1)
			expect([connection.status, server.last.isOpen]).toEqual(['connecting', true])
			await clock.advance(1)
			expect(standing(connection)).toMatchObject({ status: 'reconnecting', error: 'timeout' })
			expect(server.last.isOpen).toBe(false)
		})

	test('counts for headers functions that hang too', async ({ connect, server, clock }) => {
		const { connection } = connect({
			connectTimeout: 2_000,
			headers: () => new Promise<HeadersInit>(() => {})
		})
		connection.connect()
		await clock.advance(2_000)
		expect(standing(connection)).toMatchObject({ status: 'reconnecting', error: 'timeout' })
		expect(server.count).toBe(0)
	})

	test('counts until the response is there, and not for what it brings', async ({
		connect,
		server,
		clock
	}) => {
		const { connection } = connect({ connectTimeout: 2_000 })
		connection.connect()
		await clock.advance(1_999)
		await server.last.hello({ ping: 0 })
		await clock.advance(60_000)
		expect([connection.status, server.count]).toEqual(['open', 1])
	})
})

describe('while the page is hidden, with `pauseAfter`,', () => {
	const nothing = { hidden: { pauseAfter: 0 } }

	test('nothing is requested if it was hidden from the start and `pauseAfter` is 0', async ({
		connect,
		server,
		clock,
		page
	}) => {
		await page.hide()
		const { connection } = connect(nothing)
		listen(connection.select('message'))
		connection.connect()
		await clock.advance(3_600_000)
		expect([server.count, connection.error]).toEqual([0, undefined])
		await page.show()
		expect(server.count).toBe(1)
		await server.last.hello()
		expect(connection.status).toBe('open')
	})

	test('nothing brings the connection back before it is seen', async ({
		connect,
		server,
		clock,
		page
	}) => {
		const { connection } = connect({ ...nothing, close: ({ connect }) => connect() })
		const { stop } = listen(connection.select('message'))
		await flushPromises()
		await server.last.hello()
		await page.hide()
		await clock.advance(1_000)
		expect(server.open).toEqual([])
		const other = connect(nothing).connection
		const steps = [
			() => connection.connect(),
			() => page.online(),
			() => page.offline(),
			() => page.online(),
			() => page.resume(),
			() => page.comeBack(),
			() => listen(connection.select('other')),
			() => other.connect(),
			() => listen(other.select('message')),
			() => connection.close(),
			() => connection.connect(),
			() => stop()
		]
		for (const step of steps) {
			await step()
			await clock.advance(10_000)
			expect(server.count, String(step)).toBe(1)
		}
		await page.show()
		await clock.advance(1_000)
		expect(server.count).toBe(2)
	})

	test('no attempt is made that was due', async ({ connect, server, clock, page }) => {
		const { connection } = connect({ hidden: { pauseAfter: 1_000 } })
		connection.connect()
		await flushPromises()
		await server.last.refuse(503, { 'retry-after': '5' })
		await page.hide()
		await clock.advance(3_600_000)
		expect(server.count).toBe(1)
		await page.show()
		await clock.advance(1_000)
		expect(server.count).toBe(2)
	})

	test('attempts go on until the time is over', async ({ connect, server, clock, page }) => {
		const { connection } = connect({ hidden: { pauseAfter: 10_000 } })
		await page.hide()
		connection.connect()
		await clock.advance(5_000)
		expect(server.count).toBe(1)
		await server.last.hello()
		await clock.advance(4_999)
		expect(connection.status).toBe('open')
		await clock.advance(1)
		expect([connection.status, server.open]).toEqual(['reconnecting', []])
	})

	test('a handle without it does not wait for the page', async ({ connect, server, page }) => {
		await page.hide()
		const { connection } = connect()
		connection.connect()
		await flushPromises()
		expect(server.count).toBe(1)
	})
})

describe('a mistake in the options is told at the call', () => {
	for (const options of [
		{ connectTimeout: -1 },
		{ connectTimeout: '1' },
		{ urlChange: 'keep' },
		{ key: 5 },
		{ initial: 5 },
		{ lastEventId: 5 }
	])
		test(JSON.stringify(options), () => {
			expect(() => source('/events', options as unknown as object)).toThrow(
				expect.objectContaining({ name: 'SseError', code: 'invalid-argument' })
			)
		})

	test('functions are none', () => {
		const options = { initial: () => ({}), lastEventId: () => undefined }
		expect(() => source('/events', options)).not.toThrow()
	})
})
