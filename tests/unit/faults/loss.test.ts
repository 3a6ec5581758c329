import { describe, expect } from 'vitest'
import { Hub } from '../../../src/lib/hub/index.js'
import { defineEvents, produce, type LossInfo, type Schema } from '../../../src/lib/index.js'
import { events, flushPromises, listen, test, watch } from './fixture.js'
import type { Exchange } from './server.js'

/** A schema that answers when the test says so. */
function slowSchema(): { schema: Schema<number, number>; answer: () => Promise<void> } {
	const waiting: (() => void)[] = []
	return {
		schema: {
			'~standard': {
				version: 1,
				vendor: 'test',
				validate: (value) =>
					new Promise((resolve) => waiting.push(() => resolve({ value: value as number })))
			}
		},
		async answer() {
			for (let next = waiting.shift(); next; next = waiting.shift()) {
				next()
				await flushPromises()
			}
		}
	}
}

/** Frames of `tick`, with the numbers as data and ids. */
const ticks = (...numbers: number[]) =>
	numbers.map((number) => `id: ${number}\nevent: tick\ndata: ${number}\n\n`).join('')

/** A handle whose events go through a schema that is slow. */
function setUp() {
	const { schema, answer } = slowSchema()
	return { contract: defineEvents({ tick: schema }, { validate: 'client' }), answer }
}

describe('the end of a stream waits for asynchronous schemas', () => {
	const endings: [string, (exchange: Exchange) => Promise<void>, string][] = [
		['`done`', (exchange) => exchange.goodbye('done'), 'done'],
		['`denied`', (exchange) => exchange.goodbye('denied'), 'denied'],
		['`restart`', (exchange) => exchange.goodbye('restart'), 'restart'],
		['a cut', (exchange) => exchange.end(), 'cut']
	]

	// The last events before `done` were lost.
	for (const [what, end, reason] of endings)
		test(`of ${what}: its last events come first, in order`, async ({ connect, server }) => {
			const { contract, answer } = setUp()
			const order: unknown[] = []
			const { connection } = connect({
				events: contract,
				close: (event) => order.push(event.reason)
			})
			connection.select('tick').on((tick) => order.push(tick))
			await flushPromises()
			await server.last.hello({ text: ticks(1, 2, 3) })
			await end(server.last)
			expect(order).toEqual([])
			await answer()
			expect(order).toEqual([1, 2, 3, reason])
			expect(connection.lastEventId).toBe('3')
		})

	test('of `done`: a loop gets all of them and ends, and next() gets the first', async ({
		connect,
		server
	}) => {
		const { contract, answer } = setUp()
		const { connection } = connect({ events: contract })
		const got: number[] = []
		const loop = (async () => {
			for await (const tick of connection.select('tick')) got.push(tick)
		})()
		const next = connection.select('tick').next()
		await flushPromises()
		await server.last.hello({ text: ticks(1, 2, 3) })
		await server.last.goodbye('done')
		expect(connection.status).not.toBe('closed')
		await answer()
		expect(await next).toBe(1)
		await loop
		expect(got).toEqual([1, 2, 3])
		expect(connection.status).toBe('closed')
	})

	test('of a foreign stream', async ({ connect, server }) => {
		const { contract, answer } = setUp()
		const { connection } = connect({ events: contract })
		const { got } = listen(connection.select('tick'))
		await flushPromises()
		await server.last.answer('event: tick\ndata: 1\n\nevent: tick\ndata: 2\n\n')
		await server.last.end()
		await answer()
		expect([got, connection.status]).toEqual([[1, 2], 'closed'])
	})

	test('so that what comes after a reconnect never overtakes them', async ({
		connect,
		server,
		clock
	}) => {
		const { contract, answer } = setUp()
		const { connection } = connect({ events: contract })
		const { got } = listen(connection.select('tick'))
		server.serve = (exchange) =>
			exchange.hello({ resumed: server.all.length > 1, text: ticks(2 * server.all.length) })
		await flushPromises()
		await server.last.write(ticks(3))
		await server.last.end()
		await clock.advance(1_000)
		await answer()
		await clock.advance(1_000)
		await answer()
		expect(got).toEqual([2, 3, 4])
	})
})

describe('events whose schema has not answered yet', () => {
	test('are dropped by close()', async ({ connect, server }) => {
		const { contract, answer } = setUp()
		const { connection } = connect({ events: contract })
		const { got } = listen(connection.select('tick'))
		await flushPromises()
		await server.last.hello({ text: ticks(1, 2) })
		connection.close()
		await answer()
		expect(got).toEqual([])
		expect(connection.select('tick').current).toBeUndefined()
	})

	test('are dropped by close(), and do not come up in the next connection', async ({
		connect,
		server
	}) => {
		const { contract, answer } = setUp()
		const { connection } = connect({ events: contract })
		const { got } = listen(connection.select('tick'))
		await flushPromises()
		await server.last.hello({ text: ticks(1, 2) })
		connection.close()
		connection.connect()
		await flushPromises()
		await server.last.hello({ text: ticks(3) })
		await answer()
		expect(got).toEqual([3])
	})

	test('of another URL are dropped with it', async ({ connect, server }) => {
		const { contract, answer } = setUp()
		let room = 1
		const { connection } = connect({ events: contract }, () => `/events?room=${room}`)
		const { got } = listen(connection.select('tick'))
		await flushPromises()
		await server.last.hello({ text: ticks(1) })
		connection.close()
		room = 2
		connection.connect()
		await flushPromises()
		await server.last.hello({ text: ticks(20) })
		await answer()
		expect(got).toEqual([20])
	})
})

describe('100,000 events of one tick', () => {
	const count = 100_000
	const numbers = Array.from({ length: count }, (_, index) => `${index}`)

	// After 10,000 the loop was told that it is too slow, though it never had a chance.
	test('reach a loop that waits for nothing', async ({ connect, server }) => {
		const { connection } = connect()
		let next = 0
		const loop = (async () => {
			for await (const data of connection.select('message')) if (data === `${next}`) next++
		})()
		await flushPromises()
		await server.last.hello({ text: events(...numbers) })
		await server.last.goodbye('done')
		await loop
		expect(next).toBe(count)
	})

	test('of six bytes each reach a loop that waits for nothing', async ({ connect, server }) => {
		const { connection } = connect()
		let got = 0
		const loop = (async () => {
			for await (const _ of connection.select('message')) got++
		})()
		await flushPromises()
		await server.last.hello({ text: 'data\n\n'.repeat(count) })
		await server.last.goodbye('done')
		await loop
		expect(got).toBe(count)
	})

	test('reach loops over several channels and what is derived, and all that listen', async ({
		connect,
		server
	}) => {
		const { connection } = connect()
		const channel = connection.select('message')
		const counts = { plain: 0, json: 0, other: 0, listener: 0 }
		const run = async (name: keyof typeof counts, items: AsyncIterable<unknown>) => {
			for await (const _ of items) counts[name]++
		}
		channel.on(() => counts.listener++)
		const loops = [
			run('plain', channel),
			run(
				'json',
				channel.json<number>().filter((number) => number % 2 === 0)
			),
			run('other', connection.select('other'))
		]
		await flushPromises()
		await server.last.hello({ text: `${events(...numbers)}event: other\ndata: a\n\n` })
		await server.last.goodbye('done')
		await Promise.all(loops)
		expect(counts).toEqual({ plain: count, json: count / 2, other: 1, listener: count })
	})

	test('of produce() reach a loop that waits for nothing', async ({ connect, server }) => {
		server.serve = (exchange) =>
			exchange.pass(
				produce(({ emit, close }) => {
					for (const number of numbers) emit('message', number)
					close()
				})
			)
		let next = 0
		for await (const data of connect().connection.select('message')) if (data === `${next}`) next++
		expect(next).toBe(count)
	})

	test('end where a listener closes the connection, and not an event later', async ({
		connect,
		server
	}) => {
		const { connection } = connect()
		let heard = 0
		connection.select('message').on(() => {
			if (++heard === 50_000) connection.close()
		})
		await flushPromises()
		await server.last.hello({ text: events(...numbers) })
		for (let turn = 0; turn < 100; turn++) await flushPromises()
		expect(heard).toBe(50_000)
	})

	test('end a loop that is busy elsewhere with `overflow`, after 10,000, and nobody else', async ({
		connect,
		server
	}) => {
		const { connection } = connect()
		const loop = connection.select('message')[Symbol.asyncIterator]()
		const first = loop.next()
		let heard = 0
		connection.select('message').on(() => heard++)
		await flushPromises()
		await server.last.hello({ text: events('first') })
		expect(await first).toEqual({ value: 'first', done: false })
		await server.last.write(events(...numbers))
		await expect.poll(() => heard).toBe(count + 1)
		let got = 0
		const drain = async () => {
			while (!(await loop.next()).done) got++
		}
		await expect(drain()).rejects.toMatchObject({ code: 'overflow' })
		expect(got).toBe(10_000)
		expect(connection.status).toBe('open')
	})
})

describe('a stream that comes back', () => {
	/** What `open` was told of each opening. */
	const told = (heard: { name: string; resumed?: boolean }[]) =>
		heard.filter(({ name }) => name === 'open').map(({ resumed }) => !!resumed)

	test('says in its hello whether it goes on behind the last id, and `open` passes it on', async ({
		connect,
		server,
		clock
	}) => {
		const { connection, heard, log } = connect()
		connection.connect()
		await flushPromises()
		await server.last.hello({ text: 'id: 1\ndata: a\n\n' })
		for (const resumed of [true, false, true]) {
			await server.last.end()
			await clock.advance(connection.retryAt!)
			await server.last.hello({ resumed })
		}
		expect(told(heard)).toEqual([false, true, false, true])
		expect(log.filter((entry) => entry === 'gap')).toEqual(['gap'])
	})

	test('without going on raises `gap` before its first event, if it had sent ids', async ({
		connect,
		server,
		clock
	}) => {
		const order: string[] = []
		const { connection } = connect({ gap: () => order.push('gap') })
		connection.select('message').on((data) => order.push(data))
		await flushPromises()
		await server.last.hello({ text: 'id: 1\ndata: a\n\n' })
		await server.last.end()
		await clock.advance(connection.retryAt!)
		await server.last.hello({ text: events('b') })
		expect(order).toEqual(['a', 'gap', 'b'])
	})

	test('without going on raises no `gap` if it had sent no ids', async ({
		connect,
		server,
		clock
	}) => {
		const { connection, log } = connect()
		connection.connect()
		await flushPromises()
		await server.last.hello({ text: events('a') })
		await server.last.end()
		await clock.advance(connection.retryAt!)
		await server.last.hello({ text: events('b') })
		expect(log).not.toContain('gap')
	})

	test('raises `gap` for each handle on the link', async ({ connect, server, clock }) => {
		const [one, two] = [connect(), connect()]
		one.connection.connect()
		two.connection.connect()
		await flushPromises()
		await server.last.hello({ text: 'id: 1\ndata: a\n\n' })
		await server.last.end()
		await clock.advance(one.connection.retryAt!)
		await server.last.hello()
		for (const { log } of [one, two])
			expect(log.filter((entry) => entry === 'gap')).toEqual(['gap'])
	})

	test('and is foreign cannot say whether it goes on, and raises no `gap`', async ({
		connect,
		server,
		clock
	}) => {
		const { connection, log } = connect()
		connection.connect()
		await flushPromises()
		await server.last.answer('id: 1\ndata: a\n\n')
		await server.last.fail()
		await clock.advance(connection.retryAt!)
		await server.last.answer('id: 2\ndata: b\n\n')
		expect(log).not.toContain('gap')
	})

	test('of produce() goes on if its option says so and the request has a cursor', async ({
		connect,
		server,
		clock
	}) => {
		let resumed = true
		server.serve = (exchange) =>
			exchange.pass(
				produce(({ emit }) => void emit('message', 'a', { id: `${server.all.length}` }), {
					request: exchange.request,
					resumed
				})
			)
		const { connection, heard, log } = connect()
		connection.connect()
		await flushPromises()
		for (const next of [true, false]) {
			resumed = next
			await server.fetch.drop()
			await clock.advance(connection.retryAt!)
		}
		expect(told(heard)).toEqual([false, true, false])
		expect(log.filter((entry) => entry === 'gap')).toEqual(['gap'])
		expect(server.lastEventIds).toEqual([null, '1', '2'])
	})

	test('of a hub goes on, without loss, double or gap', async ({ connect, server, clock }) => {
		const hub = new Hub()
		server.serve = ({ request }) => server.last.pass(hub.stream('topic', { request }))
		const { connection, heard, log } = connect()
		const { got } = listen(connection.select('message'))
		await flushPromises()
		const all = Array.from({ length: 30 }, (_, index) => `${index}`)
		for (const number of all) {
			await hub.publish('topic', 'message', number)
			if (+number % 5 === 0) await flushPromises()
			if (+number % 10 === 3) await server.fetch.drop()
			if (+number % 10 === 6) await clock.advance(connection.retryAt!)
		}
		await clock.advance(1_000)
		expect(got).toEqual(all)
		expect(told(heard)).toEqual([false, true, true, true])
		expect(log).not.toContain('gap')
		connection.close()
		await clock.advance(1_000)
		await hub.close()
	})
})

describe('scan() and list() on a server that sends its state at each connect', () => {
	const restart = { restart: true }
	const rounds = {
		'a loss': async (exchange: Exchange) => exchange.end(),
		'an orderly end': async (exchange: Exchange) => exchange.goodbye('restart')
	}

	for (const [what, end] of Object.entries(rounds))
		// A list of `[1, 2]` was `[1, 2, 1, 2]` after a reconnect.
		test(`start over after ${what} if they are told to`, async ({ connect, server, clock }) => {
			const { connection } = connect()
			const channel = connection.select('message')
			const [all, sum, keyed, plain] = [
				channel.list(restart),
				channel.scan((sum, text) => sum + text, '', restart),
				channel.list({ key: (text) => text, restart: true }),
				channel.list()
			]
			const twice = all.transform((items) => items.length)
			for (const each of [all, sum, keyed, plain, twice]) watch<unknown>(each)
			await flushPromises()
			await server.last.hello({ text: events('1', '2', '3') })
			await end(server.last)
			expect(all.current).toEqual(['1', '2', '3'])
			await clock.advance(connection.retryAt!)
			await server.last.hello({ text: events('1', '2') })
			expect([all.current, sum.current, keyed.current, twice.current]).toEqual([
				['1', '2'],
				'12',
				['1', '2'],
				2
			])
			expect(plain.current).toEqual(['1', '2', '3', '1', '2'])
		})

	test('go on, though they may start over, when the stream goes on', async ({
		connect,
		server,
		clock
	}) => {
		const { connection } = connect()
		const all = connection.select('message').list(restart)
		watch(all)
		await flushPromises()
		await server.last.hello({ text: 'id: 1\ndata: 1\n\n' })
		await server.last.end()
		await clock.advance(connection.retryAt!)
		await server.last.hello({ resumed: true, text: 'id: 2\ndata: 2\n\n' })
		expect(all.current).toEqual(['1', '2'])
	})

	test('start over after a foreign stream without ids too', async ({ connect, server, clock }) => {
		const { connection } = connect()
		const all = connection.select('message').list(restart)
		watch(all)
		await flushPromises()
		await server.last.answer(events('1', '2'))
		await server.last.fail()
		await clock.advance(connection.retryAt!)
		await server.last.answer(events('1', '2'))
		expect(all.current).toEqual(['1', '2'])
	})

	test('start over when the last reader had left and another one comes', async ({
		connect,
		server,
		clock
	}) => {
		const { connection } = connect()
		const all = connection.select('message').list(restart)
		for (const _ of [1, 2]) {
			const { stop } = watch(all)
			await flushPromises()
			await server.last.hello({ text: events('1', '2') })
			expect(all.current).toEqual(['1', '2'])
			stop()
			await clock.advance(100)
			expect(connection.status).toBe('idle')
			expect(all.current).toEqual(['1', '2'])
		}
	})

	test('start over once, with the first state of each, and never show a mixture', async ({
		connect,
		server,
		clock
	}) => {
		const { connection } = connect()
		const { seen } = watch(connection.select('message').list(restart))
		await flushPromises()
		await server.last.hello({ text: events('a1', 'a2') })
		for (const round of ['b', 'c']) {
			await server.last.end()
			await clock.advance(connection.retryAt!)
			await server.last.hello({ text: events(`${round}1`, `${round}2`) })
		}
		for (const items of seen)
			expect(new Set(items.map((item) => item[0])).size).toBeLessThanOrEqual(1)
		expect(seen.at(-1)).toEqual(['c1', 'c2'])
	})
})

describe('a foreign stream', () => {
	const inside = {
		'in a line': 'data: b',
		'in a name': 'da',
		'behind a line': 'data: b\n',
		'behind two lines': 'event: x\ndata: b\n',
		'behind an id': 'id: 7\n'
	}

	for (const [where, rest] of Object.entries(inside))
		for (const before of ['', events('a')])
			test(`that ends inside an event, ${where}${before && ', after a whole one,'} is cut`, async ({
				connect,
				server
			}) => {
				const { connection, log } = connect()
				const { got } = listen(connection.select('message'))
				await flushPromises()
				await server.last.answer(before)
				await server.last.write(rest)
				await server.last.end()
				expect(got).toEqual(before ? ['a'] : [])
				expect([connection.status, connection.error?.code]).toEqual(['reconnecting', 'cut'])
				expect(log.slice(-2)).toEqual([
					'error cut !cut again in 250',
					'close cut !cut again in 250'
				])
			})

	for (const text of [
		'',
		'data: a\n\n',
		'data: a\r\n\r\n',
		'data: a\r\r',
		'data: a\n\n:\n\n',
		'\n'
	])
		test(`that ends behind ${JSON.stringify(text)} is complete, and closed`, async ({
			connect,
			server,
			clock
		}) => {
			const { connection, log } = connect()
			connection.connect()
			await flushPromises()
			await server.last.answer(text)
			await server.last.end()
			await clock.advance(60_000)
			expect([connection.status, connection.error, server.count]).toEqual(['closed', undefined, 1])
			expect(log).toEqual(['open accepted', 'close complete'])
		})

	// Mercure, Azure and others end their streams regularly; such a stream was dead for ever.
	for (const [what, text] of [
		['ids', 'id: 1\ndata: a\n\n'],
		['`retry:`', 'retry: 200\ndata: a\n\n']
	])
		test(`that ends in order after it sent ${what} comes back, again and again`, async ({
			connect,
			server,
			clock
		}) => {
			const { connection, log } = connect()
			const { got } = listen(connection.select('message'))
			server.serve = (exchange) => {
				void exchange.answer(text)
				void exchange.end()
			}
			await clock.advance(10_000)
			expect(server.count).toBeGreaterThan(5)
			expect(got.length).toBe(server.count)
			expect(log.slice(0, 3)).toEqual([
				'open accepted',
				expect.stringMatching(/^close complete again in \d+$/),
				'open accepted'
			])
			expect(log.filter((entry) => entry.startsWith('error'))).toEqual([])
			expect(connection.attempt).toBe(0)
			if (what === 'ids') expect(server.lastEventIds.slice(0, 2)).toEqual([null, '1'])
		})

	test('that had sent ids comes back after an answer without a word too', async ({
		connect,
		server,
		clock
	}) => {
		const { connection } = connect()
		connection.connect()
		await flushPromises()
		await server.last.answer('id: 1\ndata: a\n\n')
		await server.last.end()
		for (let round = 0; round < 3; round++) {
			await clock.advance(connection.retryAt!)
			await server.last.answer()
			await server.last.end()
			expect(connection.status).toBe('reconnecting')
		}
		expect(server.lastEventIds).toEqual([null, '1', '1', '1'])
		await clock.advance(connection.retryAt!)
		await server.last.refuse(204)
		expect(connection.status).toBe('closed')
	})

	test('that had sent ids is closed by its end with `reconnect: false`', async ({
		connect,
		server,
		clock
	}) => {
		const { connection, log } = connect({ reconnect: false })
		connection.connect()
		await flushPromises()
		await server.last.answer('id: 1\ndata: a\n\n')
		await server.last.end()
		await clock.advance(60_000)
		expect([connection.status, server.count]).toEqual(['closed', 1])
		expect(log).toEqual(['open accepted', 'close complete'])
	})
})

describe('`decide`', () => {
	interface Case {
		options?: object
		end: (exchange: Exchange, advance: (time: number) => Promise<void>) => unknown
		/** Whether the library itself would come back. */
		returns?: boolean
	}
	const goodbye = (reason: string): Case => ({
		end: async (exchange) => {
			await exchange.hello({ text: events('a') })
			await exchange.goodbye(reason)
		}
	})
	const version = (version: number, since: number): Case => ({
		options: { events: defineEvents({}, { version, since }) },
		end: (exchange) => exchange.answer(': sveltekit-sse/1 hello ping=0 events=3,2\n\n')
	})
	const asked: Record<string, Case> = {
		restart: goodbye('restart'),
		rotate: goodbye('rotate'),
		expired: goodbye('expired'),
		slow: goodbye('slow'),
		error: goodbye('error'),
		complete: {
			end: async (exchange) => {
				await exchange.answer(events('a'))
				await exchange.end()
			},
			returns: false
		},
		cut: {
			end: async (exchange) => {
				await exchange.hello()
				await exchange.end()
			}
		},
		silent: {
			end: async (exchange, advance) => {
				await exchange.hello({ ping: 10_000 })
				await advance(25_000)
			}
		},
		network: { end: (exchange) => exchange.fail() },
		timeout: { end: (_, advance) => advance(30_000) },
		refused: { end: (exchange) => exchange.refuse(503) },
		'refused, not found': { end: (exchange) => exchange.refuse(404), returns: false },
		request: {
			options: {
				headers: () => {
					throw new Error('mine')
				}
			},
			end: () => {}
		},
		behind: version(5, 4)
	}

	for (const [name, { options, end, returns = true }] of Object.entries(asked)) {
		const reason = name.split(',')[0]!
		for (const [what, answer] of [
			['undefined, which keeps the default', undefined],
			['false', false],
			['milliseconds', 1_500]
		] as const)
			test(`is asked about an ending by ${name}, and may answer ${what}`, async ({
				connect,
				server,
				clock
			}) => {
				const infos: LossInfo[] = []
				const decide = (info: LossInfo) => {
					infos.push(info)
					return answer
				}
				const { connection } = connect({ ...options, reconnect: { decide } })
				connection.connect()
				await flushPromises()
				await end(server.all.at(-1)!, (time) => clock.advance(time))
				expect(infos.map((info) => info.reason)).toEqual([reason])
				if (answer === 1_500)
					expect([connection.status, +connection.retryAt! - Date.UTC(2000, 0) - clock.now]).toEqual(
						['reconnecting', 1_500]
					)
				else
					expect(connection.status).toBe(
						answer === undefined && returns ? 'reconnecting' : 'closed'
					)
			})
	}

	const notAsked: Record<string, Case> = {
		done: goodbye('done'),
		denied: goodbye('denied'),
		'a status of 204': { end: (exchange) => exchange.refuse(204) },
		'a newer contract of the server': version(1, 1)
	}

	for (const [name, { options, end }] of Object.entries(notAsked))
		test(`is not asked about ${name}`, async ({ connect, server, clock }) => {
			let calls = 0
			const decide = () => {
				calls++
				return 1_000
			}
			const { connection } = connect({ ...options, reconnect: { decide } })
			connection.connect()
			await flushPromises()
			await end(server.last, (time) => clock.advance(time))
			expect([connection.status, calls]).toEqual(['closed', 0])
		})

	test('is not asked about what this side does', async ({ connect, server, clock, page }) => {
		let calls = 0
		const decide = () => void calls++
		const controller = new AbortController()
		const { connection } = connect({ reconnect: { decide }, signal: controller.signal })
		const { stop } = listen(connection.select('message'))
		await flushPromises()
		await server.last.hello()
		stop()
		await clock.advance(100)
		listen(connection.select('message'))
		await flushPromises()
		await server.last.hello()
		connection.close()
		connection.connect()
		await flushPromises()
		await server.last.hello()
		await page.leave()
		await page.comeBack()
		await flushPromises()
		await server.last.hello()
		controller.abort()
		expect([connection.status, calls, server.count]).toEqual(['closed', 0, 4])
	})
})
