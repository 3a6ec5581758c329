import { describe, expect } from 'vitest'
import { events, flushPromises, listen, test, watch } from './fixture.js'
import type { Server } from './server.js'

describe('connect()', () => {
	test('returns its release, after which the connection lingers and is idle', async ({
		connect,
		server,
		clock
	}) => {
		const { connection, log } = connect()
		const release = connection.connect()
		await flushPromises()
		await server.last.hello()
		release()
		await clock.advance(99)
		expect([connection.status, server.last.isOpen]).toEqual(['open', true])
		await clock.advance(1)
		expect([connection.status, server.last.isOpen]).toEqual(['idle', false])
		expect(log).toEqual(['open accepted', 'close unused (local)'])
		expect(clock.timers).toBe(0)
	})

	test('is one hold for each call: one release lets the others hold on', async ({
		connect,
		server,
		clock
	}) => {
		const { connection } = connect()
		const [first, second] = [connection.connect(), connection.connect()]
		await flushPromises()
		await server.last.hello({ ping: 0 })
		first()
		await clock.advance(60_000)
		expect(connection.status).toBe('open')
		second()
		await clock.advance(100)
		expect(connection.status).toBe('idle')
	})

	test('is released once, however often its release is called', async ({
		connect,
		server,
		clock
	}) => {
		const { connection } = connect()
		const first = connection.connect()
		await flushPromises()
		await server.last.hello({ ping: 0 })
		first()
		connection.connect()
		first()
		first()
		await clock.advance(60_000)
		expect(connection.status).toBe('open')
		expect(server.count).toBe(1)
	})

	test('is ended by close(), and its release then touches no later hold', async ({
		connect,
		server,
		clock
	}) => {
		const { connection } = connect()
		const old = connection.connect()
		await flushPromises()
		await server.last.hello({ ping: 0 })
		connection.close()
		connection.connect()
		await flushPromises()
		await server.last.hello({ ping: 0 })
		old()
		await clock.advance(60_000)
		expect(connection.status).toBe('open')
	})

	test('of a late close event brings back the holds that nobody has released since', async ({
		connect,
		server,
		clock
	}) => {
		let late = (): void => {}
		const { connection } = connect({ close: ({ connect }) => (late = connect) })
		const [first, second] = [connection.connect(), connection.connect()]
		await flushPromises()
		await server.last.hello({ ping: 0 })
		await server.last.goodbye('done')
		first()
		await flushPromises()
		late()
		await clock.advance(1_000)
		expect([connection.status, server.count]).toEqual(['reconnecting', 2])
		await server.last.hello({ ping: 0 })
		await server.last.goodbye('done')
		late()
		await clock.advance(1_000)
		await server.last.hello({ ping: 0 })
		expect(connection.status).toBe('open')
		second()
		await clock.advance(100)
		expect([connection.status, server.count]).toEqual(['idle', 3])
	})

	test('of a late close event opens nothing for holds that were all released', async ({
		connect,
		server
	}) => {
		let late = (): void => {}
		const { connection } = connect({ close: ({ connect }) => (late = connect) })
		const release = connection.connect()
		await flushPromises()
		await server.last.hello({ ping: 0 })
		await server.last.goodbye('done')
		release()
		await flushPromises()
		late()
		await flushPromises()
		expect([connection.status, server.count]).toEqual(['closed', 1])
	})

	test('that is released leaves the readers their connection, and they leave it theirs', async ({
		connect,
		server,
		clock
	}) => {
		const { connection } = connect()
		const release = connection.connect()
		const { stop } = listen(connection.select('message'))
		await flushPromises()
		await server.last.hello({ ping: 0 })
		release()
		await clock.advance(60_000)
		expect(connection.status).toBe('open')
		const again = connection.connect()
		stop()
		await clock.advance(60_000)
		expect(connection.status).toBe('open')
		again()
		await clock.advance(100)
		expect([connection.status, server.count]).toEqual(['idle', 1])
	})

	test('that is released in the same tick makes no request', async ({ connect, server, clock }) => {
		const { connection, log } = connect()
		connection.connect()()
		await clock.advance(1_000)
		expect([connection.status, server.count]).toEqual(['idle', 0])
		expect(log.filter((entry) => !entry.startsWith('close unused'))).toEqual([])
	})

	test('that is released while connecting lingers too, and then gives the request up', async ({
		connect,
		server,
		clock
	}) => {
		const { connection } = connect()
		const release = connection.connect()
		await flushPromises()
		release()
		await clock.advance(99)
		expect([connection.status, server.last.isOpen]).toEqual(['connecting', true])
		await clock.advance(1)
		expect([connection.status, server.last.isOpen]).toEqual(['idle', false])
	})

	test('that is released during the back-off ends it', async ({ connect, server, clock }) => {
		const { connection } = connect()
		const release = connection.connect()
		await flushPromises()
		await server.last.refuse(503, { 'retry-after': '20' })
		release()
		await clock.advance(100)
		expect([connection.status, clock.timers]).toEqual(['idle', 0])
		await clock.advance(60_000)
		expect(server.count).toBe(1)
	})

	test('of two handles on one link are held and released each on its own', async ({
		connect,
		server,
		clock
	}) => {
		const [one, two] = [connect().connection, connect().connection]
		const release = one.connect()
		two.connect()
		await flushPromises()
		await server.last.hello({ ping: 0 })
		release()
		await clock.advance(60_000)
		expect([one.status, two.status]).toEqual(['idle', 'open'])
		expect([server.count, server.open.length]).toEqual([1, 1])
	})
})

describe('close()', () => {
	test('closes at once for all who read', async ({ connect, server }) => {
		const { connection, log } = connect()
		const channel = connection.select('message')
		const [heard, shown, other] = [listen(channel), watch(channel), listen(connection.select('x'))]
		const derived = listen(channel.transform((text) => `(${text})`))
		const loop = channel[Symbol.asyncIterator]()
		connection.connect()
		await flushPromises()
		await server.last.hello({ text: events('a') })
		connection.close()
		expect([connection.status, server.last.isAborted]).toEqual(['closed', true])
		await server.last.write(`${events('b')}event: x\ndata: b\n\n`)
		expect([heard.got, shown.seen, other.got, derived.got]).toEqual([['a'], ['', 'a'], [], ['(a)']])
		expect([await loop.next(), await loop.next()]).toEqual([
			{ value: 'a', done: false },
			{ value: undefined, done: true }
		])
		expect(log).toEqual(['open accepted', 'close local (local)'])
	})

	const readers = {
		'of the same channel': 'message',
		'of another channel': 'other'
	}
	const ways = ['on', 'subscribe', 'next', 'loop', 'derived', 'connect'] as const

	// A page that had not been left yet kept the next page closed for ever.
	for (const [which, name] of Object.entries(readers))
		for (const way of ways)
			test(`is undone by a later reader ${which}, by ${way}, although an older one is still there`, async ({
				connect,
				server
			}) => {
				const { connection } = connect()
				const older = listen(connection.select('message'))
				await flushPromises()
				await server.last.hello()
				connection.close()
				const channel = connection.select(name)
				if (way === 'on') channel.on(() => {})
				else if (way === 'subscribe') channel.subscribe(() => {})
				else if (way === 'next') void channel.next().catch(() => {})
				else if (way === 'loop') void channel[Symbol.asyncIterator]().next()
				else if (way === 'derived')
					channel
						.json()
						.list()
						.subscribe(() => {})
				else connection.connect()
				await flushPromises()
				expect([connection.status, server.count]).toEqual(['connecting', 2])
				await server.last.hello({ text: events('a') })
				expect(older.got).toEqual(['a'])
			})

	test('is undone by a later reader of what is derived, although an older one reads the same', async ({
		connect,
		server
	}) => {
		const { connection } = connect()
		const channel = connection.select('message').json<number>()
		const older = watch(channel)
		await flushPromises()
		await server.last.hello()
		connection.close()
		const later = watch(channel)
		await flushPromises()
		await server.last.hello({ text: events('1') })
		expect([older.seen, later.seen]).toEqual([
			[null, 1],
			[null, 1]
		])
	})

	test('is final for those who were there, until another reader comes', async ({
		connect,
		server,
		clock,
		page
	}) => {
		const { connection } = connect()
		const { stop } = listen(connection.select('message'))
		connection.connect()
		await flushPromises()
		await server.last.hello()
		connection.close()
		await page.online()
		await page.hide()
		await page.show()
		await clock.advance(60_000)
		stop()
		await clock.advance(60_000)
		expect([connection.status, server.count]).toEqual(['closed', 1])
	})

	test('called again changes nothing, and is told once', async ({ connect, server }) => {
		const { connection, log } = connect()
		listen(connection.select('message'))
		await flushPromises()
		await server.last.hello()
		connection.close()
		connection.close()
		expect(log).toEqual(['open accepted', 'close local (local)'])
	})

	test('leaves other handles on the link alone, and what they hold', async ({
		connect,
		server,
		clock
	}) => {
		const [one, two] = [connect(), connect()]
		const [first, second] = [
			listen(one.connection.select('message')),
			listen(two.connection.select('message'))
		]
		await flushPromises()
		await server.last.hello({ ping: 0, text: events('a') })
		one.connection.close()
		await clock.advance(60_000)
		await server.last.write(events('b'))
		expect([first.got, second.got]).toEqual([['a'], ['a', 'b']])
		expect([one.connection.status, two.connection.status]).toEqual(['closed', 'open'])
		expect(two.log).toEqual(['open accepted'])
		expect(server.count).toBe(1)
	})

	test('and a reader in the same tick make one new request, and no more', async ({
		connect,
		server,
		clock
	}) => {
		const { connection } = connect()
		const { stop } = listen(connection.select('message'))
		await flushPromises()
		await server.last.hello()
		connection.close()
		stop()
		listen(connection.select('message'))
		await flushPromises()
		await server.last.hello({ ping: 0 })
		await clock.advance(60_000)
		expect([connection.status, server.count, server.open.length]).toEqual(['open', 2, 1])
	})
})

describe('a reader that comes and goes 30 times', () => {
	/** Before which time the server answers. */
	const answers = {
		'has not answered yet': undefined,
		'answers at once': 0,
		'answers late': 3
	} as const
	const paces = { 'in one tick': undefined, 'in one task each': 0, 'every 20 ms': 20 }

	for (const [what, answer] of Object.entries(answers))
		for (const [pace, gap] of Object.entries(paces))
			test(`${pace} makes at most 2 requests to a server that ${what}`, async ({
				connect,
				server,
				clock
			}) => {
				const { connection } = connect()
				const channel = connection.select('message')
				for (let time = 0; time < 30; time++) {
					if (time === answer) server.serve = (exchange) => exchange.hello({ ping: 0 })
					if (time === answer) await server.all.at(-1)?.hello({ ping: 0 })
					const { stop } = listen(channel)
					if (gap !== undefined) await clock.advance(gap)
					stop()
					if (gap !== undefined) await clock.advance(gap)
				}
				await clock.advance(1_000)
				expect(server.count).toBeLessThanOrEqual(2)
				expect([connection.status, server.open]).toEqual(['idle', []])
			})

	test('and is replaced in the same tick makes one request, also with `linger: 0`', async ({
		connect,
		server,
		clock
	}) => {
		const { connection } = connect({ linger: 0 })
		const channel = connection.select('message')
		let stop = channel.on(() => {})
		for (let time = 0; time < 30; time++) {
			stop()
			stop = channel.on(() => {})
			await clock.advance(10)
			if (time === 0) await server.last.hello({ ping: 0 })
		}
		expect([connection.status, server.count]).toEqual(['open', 1])
	})

	test('makes at most 2 requests when it is 30 readers, of 30 channels', async ({
		connect,
		server,
		clock
	}) => {
		const { connection } = connect()
		for (let time = 0; time < 30; time++) {
			const { stop } = listen(connection.select(`name ${time}`))
			await clock.advance(20)
			stop()
			await clock.advance(20)
		}
		expect(server.count).toBeLessThanOrEqual(2)
	})

	test('makes at most 2 requests when it is 30 handles', async ({ connect, server, clock }) => {
		for (let time = 0; time < 30; time++) {
			const { stop } = listen(connect().connection.select('message'))
			await clock.advance(20)
			stop()
			await clock.advance(20)
		}
		expect(server.count).toBeLessThanOrEqual(2)
	})
})

describe('against 503 with `Retry-After: 60`', () => {
	const minutes = 5
	const busy = (server: Server) => {
		server.serve = (exchange) => exchange.refuse(503, { 'retry-after': '60' })
	}
	/** As many requests as one handle makes that is read all the time. */
	const fewest = minutes + 1

	test('one handle makes a request a minute', async ({ connect, server, clock }) => {
		busy(server)
		listen(connect().connection.select('message'))
		await clock.advance(minutes * 60_000)
		expect(server.count).toBeLessThanOrEqual(fewest)
		expect(server.count).toBeGreaterThanOrEqual(minutes - 1)
	})

	test('20 handles that are read at once make as few', async ({ connect, server, clock }) => {
		busy(server)
		for (let mount = 0; mount < 20; mount++) {
			listen(connect().connection.select('message'))
			await clock.advance(1_000)
		}
		await clock.advance(minutes * 60_000 - 20_000)
		expect(server.count).toBeLessThanOrEqual(fewest)
	})

	test('20 handles that call connect() again and again make as few', async ({
		connect,
		server,
		clock
	}) => {
		busy(server)
		const handles = Array.from({ length: 20 }, () => connect().connection)
		for (let second = 0; second < minutes * 60; second++) {
			handles[second % 20]!.connect()
			await clock.advance(1_000)
		}
		expect(server.count).toBeLessThanOrEqual(fewest)
	})

	test('one handle that is read and left every second makes as few', async ({
		connect,
		server,
		clock
	}) => {
		busy(server)
		const { connection } = connect()
		for (let second = 0; second < minutes * 60; second++) {
			const { stop } = listen(connection.select('message'))
			await clock.advance(500)
			stop()
			await clock.advance(500)
		}
		expect(server.count).toBeLessThanOrEqual(fewest)
	})

	test('20 handles that are read and left one after the other make as few', async ({
		connect,
		server,
		clock
	}) => {
		busy(server)
		for (let mount = 0; mount < 20; mount++) {
			const { stop } = listen(connect().connection.select('message'))
			await clock.advance(1_000)
			stop()
			await clock.advance(1_000)
		}
		expect(server.count).toBe(1)
	})

	test('20 handles that are closed one after the other make as few', async ({
		connect,
		server,
		clock
	}) => {
		busy(server)
		for (let mount = 0; mount < 20; mount++) {
			const { connection } = connect()
			connection.connect()
			await clock.advance(1_000)
			connection.close()
			await clock.advance(1_000)
		}
		expect(server.count).toBe(1)
	})
})
