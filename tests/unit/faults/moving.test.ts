import { describe, expect } from 'vitest'
import { defineEvents, type Schema } from '../../../src/lib/index.js'
import { read } from '../../../src/lib/read/index.js'
import { events, flushPromises, listen, slow, test, tick, watch } from './fixture.js'

// Those who close the connection, bring it elsewhere or leave it, in the middle of something that others are told of too.

const numbered = (...ids: number[]) => ids.map((id) => `id: ${id}\ndata: ${id}\n\n`).join('')

describe('another URL at each end makes no storm', () => {
	for (const [what, isOffline] of [
		['with a network', false],
		['without a network', true]
	] as const)
		test(`of failures, ${what}`, async ({ connect, server, clock, page }) => {
			let number = 0
			server.serve = (exchange) => exchange.refuse(500)
			if (isOffline) await page.offline()
			const { connection } = connect(
				{
					error() {
						number++
						connection.close()
						connection.connect()
					}
				},
				() => `/events?n=${number}`
			)
			connection.connect()
			await clock.advance(5_000)
			expect(server.count).toBeLessThan(13)
		})

	test('of streams that end in order', async ({ connect, server, clock }) => {
		let number = 0
		server.serve = async (exchange) => {
			await exchange.answer('id: 1\ndata: a\n\n')
			await exchange.end()
		}
		const { connection } = connect(
			{
				close() {
					number++
					connection.connect()
				}
			},
			() => `/events?n=${number}`
		)
		connection.connect()
		await clock.advance(5_000)
		expect(server.count).toBeLessThan(21)
	})

	test('a `Retry-After` binds, also when `decide` has closed and connected', async ({
		connect,
		server,
		clock
	}) => {
		const { connection } = connect({
			reconnect: {
				decide() {
					connection.close()
					connection.connect()
					return undefined
				}
			}
		})
		connection.connect()
		await flushPromises()
		await server.last.refuse(503, { 'retry-after': '60' })
		await clock.advance(59_000)
		expect(server.count).toBe(1)
		await clock.advance(2_000)
		expect(server.count).toBe(2)
	})
})

describe('`next()`', () => {
	test('gives a loop each event once, beside one that waits once', async ({ connect, server }) => {
		const { connection } = connect()
		const channel = connection.select('message')
		const got: string[] = []
		const once = channel.next()
		const loop = (async () => {
			for (;;) got.push(await channel.next())
		})().catch(() => {})
		await flushPromises()
		await server.last.hello({ text: events('1', '2', '3') })
		expect([await once, got]).toEqual(['1', ['1', '2', '3']])
		connection.close()
		await loop
	})

	test('tells a loop of the end that came behind a burst', async ({ connect, server, clock }) => {
		const { connection } = connect()
		const channel = connection.select('message')
		const got: string[] = []
		const loop = (async () => {
			for (;;) got.push(await channel.next())
		})()
		loop.catch(() => {})
		await flushPromises()
		void server.last.hello({ text: events('1', '2', '3', '4', '5') })
		await server.last.goodbye('done')
		await expect(loop).rejects.toMatchObject({ code: 'closed' })
		await clock.advance(10_000)
		expect([got, server.count]).toEqual([['1', '2', '3', '4', '5'], 1])
	})
})

describe('whoever hears an event first keeps it from nobody', () => {
	test('by close()', async ({ connect, server }) => {
		const { connection } = connect()
		const channel = connection.select('message')
		channel.on(() => connection.close())
		const second = listen(channel)
		const all = listen(connection.select(''))
		const next = channel.next()
		const looped: string[] = []
		const loop = (async () => {
			for await (const data of channel) looped.push(data)
		})()
		await flushPromises()
		await server.last.hello({ text: events('a') })
		await loop
		expect([second.got, all.got, await next, looped]).toEqual([['a'], ['a'], 'a', ['a']])
	})

	test('by another URL of the same stream', async ({ connect, server }) => {
		let topics = 'a'
		const heard: string[] = []
		const { connection } = connect(
			{ urlChange: 'resume', message: ({ data }) => heard.push(data as string) },
			() => `/events?topics=${topics}`
		)
		connection.select('message').on((data) => {
			if (data !== '2') return
			topics = 'b'
			connection.close()
			queueMicrotask(() => connection.connect())
		})
		const all = listen(connection.select(''))
		await flushPromises()
		await server.last.hello({ text: numbered(1, 2, 3) })
		expect([server.count, server.last.lastEventId]).toEqual([2, '2'])
		await server.last.hello({ resumed: true, text: numbered(3, 4) })
		expect([heard, all.got]).toEqual([
			['1', '2', '3', '4'],
			['1', '2', '3', '4']
		])
	})

	test('by another URL in a function of a channel, whose value is none of that', async ({
		connect,
		server
	}) => {
		let room = 'a'
		const { connection } = connect({}, () => `/events?room=${room}`)
		const shout = connection.select('message').transform((data) => {
			if (data === '2') {
				room = 'b'
				connection.close()
				connection.connect()
			}
			return `${data}!`
		})
		watch(shout)
		await flushPromises()
		await server.last.hello({ text: events('1', '2') })
		expect([server.count, shout.current]).toEqual([2, null])
	})
})

test('whoever moves on while the handle joins others has been told of them before, and not after', async ({
	connect,
	server
}) => {
	let room = 'a'
	connect({}, '/events?room=a').connection.connect()
	const { connection, log } = connect({}, () => `/events?room=${room}`)
	const channel = connection.select('message')
	let isMoving = false
	channel.subscribe((value) => {
		if (!isMoving || value !== '2') return
		isMoving = false
		room = 'b'
		connection.close()
		connection.connect()
	})
	await flushPromises()
	await server.last.hello({ text: numbered(1) })
	connection.close()
	await server.last.write(numbered(2))
	log.length = 0
	isMoving = true
	connection.connect()
	await flushPromises()
	expect([connection.status, log.filter((line) => !line.startsWith('close'))]).toEqual([
		'connecting',
		['open accepted', 'gap']
	])
})

test('whoever connects behind an end that a slow schema holds up hears nothing twice', async ({
	connect,
	server,
	clock
}) => {
	const { gates, contract } = slow()
	const { connection } = connect({ events: contract })
	const { got } = listen(connection.select('tick'))
	await flushPromises()
	await server.last.hello({ text: tick(1) })
	await server.last.goodbye('done')
	connection.connect()
	await clock.advance(1_000)
	const after = Number(server.last.lastEventId ?? 0)
	expect([server.count, after]).toEqual([2, 1])
	await server.last.hello({ resumed: true, text: tick(2) })
	for (let round = 0; round < 3; round++) {
		for (const open of gates) open()
		await flushPromises()
	}
	expect(got).toEqual(['1', '2'])
})

test('a reader that comes in the close callback of another handle opens it again', async ({
	connect,
	server
}) => {
	const one = connect({
		close: () => {
			two.connection.select('message').on(() => {})
		}
	})
	one.connection.connect()
	const two = connect()
	two.connection.connect()
	await flushPromises()
	await server.last.hello()
	await server.last.goodbye('done')
	await flushPromises()
	expect([one.connection.status, two.connection.status]).toEqual(['closed', 'reconnecting'])
	two.connection.close()
})

test('a channel lingers for the last reader, whichever channel it read', async ({
	connect,
	server,
	clock
}) => {
	const { connection } = connect({ linger: 1_000 })
	const base = connection.select('message')
	const derived = base.transform((data) => data)
	const [one, two] = [listen(base), listen(derived)]
	await flushPromises()
	await server.last.hello()
	two.stop()
	await clock.advance(950)
	one.stop()
	await clock.advance(999)
	expect(connection.status).toBe('open')
	await clock.advance(1)
	expect(connection.status).toBe('idle')
})

test('`resumed` is what the server has said of a new response, and nothing else', async ({
	connect,
	server,
	page
}) => {
	const one = connect()
	one.connection.connect()
	await flushPromises()
	await server.last.answer('id: 1\ndata: a\n\n')
	const two = connect()
	two.connection.connect()
	await page.offline()
	await server.last.write(':\n\n')
	const opened = [...one.heard, ...two.heard].filter(({ name }) => name === 'open')
	expect(opened.map(({ resumed }) => resumed)).toEqual([undefined, undefined, undefined, undefined])
	one.connection.close()
	two.connection.close()
	const three = connect()
	three.connection.connect()
	await flushPromises()
	await server.last.hello()
	await page.offline()
	await server.last.write(':\n\n')
	const four = connect()
	four.connection.connect()
	const said = [three, four].map(({ heard }) =>
		heard.filter(({ name }) => name === 'open').map(({ resumed }) => resumed)
	)
	expect(said).toEqual([[false, undefined], [undefined]])
})

test('a subscriber hears what its first run changes', async ({ connect }) => {
	let room = 'a'
	const { connection } = connect({ initial: (url: string) => ({ message: url.slice(-1) }) }, () => {
		return `/events?room=${room}`
	})
	const seen: unknown[] = []
	connection.select('message').subscribe((value) => {
		seen.push(value)
		if (seen.length > 1) return
		room = 'b'
		connection.close()
		connection.connect()
	})
	expect(seen).toEqual(['a', 'b'])
})

test('a schema reads an event once, however often a late reader looks', async ({
	connect,
	server
}) => {
	let calls = 0
	const schema: Schema<number, number> = {
		'~standard': {
			version: 1,
			vendor: 'test',
			validate(value) {
				calls++
				return { value: value as number }
			}
		}
	}
	const { connection } = connect({ events: defineEvents({ tick: schema }) })
	connection.connect()
	await flushPromises()
	await server.last.hello({ text: 'event: tick\ndata: 5\n\n' })
	const channel = connection.select('tick')
	for (let time = 0; time < 10; time++) expect(channel.current).toBe(5)
	expect(calls).toBe(1)
})

test('a URL that cannot be made is told once to each reader', async ({ connect }) => {
	const { connection, log } = connect({}, () => {
		throw new Error('mine')
	})
	const channel = connection.select('message')
	channel.on(() => {})
	expect(log).toEqual(['error request !invalid-url', 'close request !invalid-url'])
	channel.on(() => {})
	expect(log.slice(2)).toEqual(['error request !invalid-url'])
})

test('a loop that `decide` aborts makes no request any more', async ({ server, clock }) => {
	const abort = new AbortController()
	const reading = read('http://app.test/events', {
		fetch: server.fetch,
		signal: abort.signal,
		reconnect: {
			decide() {
				abort.abort()
				return 100
			}
		}
	})[Symbol.asyncIterator]()
	const first = reading.next()
	await flushPromises()
	await server.last.hello({ text: events('a') })
	await first
	await server.last.fail()
	await clock.advance(60_000)
	expect(server.count).toBe(1)
	await expect(reading.next()).rejects.toMatchObject({ code: 'aborted' })
})
