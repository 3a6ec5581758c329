import { describe, expect } from 'vitest'
import { Hub } from '../../../src/lib/hub/index.js'
import { events, flushPromises, listen, standing, test, watch } from './fixture.js'

describe('a URL', () => {
	// A layout at `/a` made the source; after a navigation to `/deep/b` it asked for `/deep/ev`, got 404, and was closed.
	test('that is relative is resolved at the call, and stays so when the page goes on', async ({
		connect,
		server,
		page,
		clock
	}) => {
		page.goTo('http://app.test/a')
		const { connection } = connect({}, 'ev')
		page.goTo('http://app.test/deep/b')
		connection.connect()
		await flushPromises()
		await server.last.hello({ text: events('a') })
		page.goTo('http://app.test/deep/er/c')
		await server.last.goodbye('restart')
		await clock.advance(30_000)
		expect(server.urls).toEqual(['http://app.test/ev', 'http://app.test/ev'])
	})

	test('that is an object counts as it was at the call', async ({ connect, server }) => {
		const url = new URL('http://app.test/a')
		const { connection } = connect({}, url)
		url.pathname = '/b'
		connection.connect()
		await flushPromises()
		expect(server.urls).toEqual(['http://app.test/a'])
	})

	test('that a function gives is resolved when it is asked, and requested so by each attempt', async ({
		connect,
		server,
		page,
		clock
	}) => {
		page.goTo('http://app.test/a')
		const { connection } = connect({}, () => 'ev')
		page.goTo('http://app.test/deep/b')
		connection.connect()
		await flushPromises()
		page.goTo('http://app.test/c')
		await server.last.fail()
		await clock.advance(30_000)
		expect(server.urls.slice(0, 2)).toEqual(Array(2).fill('http://app.test/deep/ev'))
	})

	test('that was settled is the one that is requested, also when the function would give another by then', async ({
		connect,
		server,
		clock
	}) => {
		let room: string | undefined = '1'
		const { connection, log } = connect({}, () => `/events?room=${room}`)
		connection.connect()
		await flushPromises()
		await server.last.hello({ text: events('a') })
		room = undefined
		await server.last.end()
		await clock.advance(30_000)
		expect(server.urls).toEqual(Array(2).fill('http://app.test/events?room=1'))
		expect(log).toHaveLength(3)
	})

	test('is asked for again by each new opening', async ({ connect, server, clock }) => {
		let room = 1
		const { connection } = connect({}, () => `/events?room=${room}`)
		const { stop } = listen(connection.select('message'))
		await flushPromises()
		await server.last.hello()
		stop()
		await clock.advance(100)
		room = 2
		listen(connection.select('message'))
		await flushPromises()
		expect(server.urls.at(-1)).toBe('http://app.test/events?room=2')
	})
})

describe.for([
	['null', null],
	['undefined', undefined],
	['an empty text', '']
] as const)('a function that gives %s means not yet, and', ([, nothing]) => {
	const setUp = () => {
		const at: { url: string | null | undefined } = { url: nothing }
		return { at, from: () => at.url }
	}

	test('leaves the connection idle, without a request and without an error', async ({
		connect,
		server,
		clock
	}) => {
		const { connection, log } = connect({}, setUp().from)
		const { seen } = watch(connection.select('message'))
		connection.connect()
		await clock.advance(60_000)
		expect(standing(connection)).toEqual({
			status: 'idle',
			error: undefined,
			attempt: 0,
			retryAt: undefined
		})
		expect(server.count).toBe(0)
		expect(log).toEqual([])
		expect(seen).toEqual([''])
	})

	test('opens once there is a URL, by connect() and by a reader alike', async ({
		connect,
		server
	}) => {
		for (const how of ['connect', 'read'] as const) {
			const { at, from } = setUp()
			const { connection } = connect({}, from)
			const { got } = listen(connection.select('message'))
			await flushPromises()
			at.url = `/events?${how}`
			if (how === 'connect') connection.connect()
			else listen(connection.select('other'))
			await flushPromises()
			expect(server.urls.at(-1)).toBe(`http://app.test/events?${how}`)
			await server.last.hello({ text: events('a') })
			expect([connection.status, got]).toEqual(['open', ['a']])
		}
	})

	test('lets next() and loops wait', async ({ connect, server }) => {
		const { at, from } = setUp()
		const { connection } = connect({}, from)
		const next = connection.select('message').next()
		const loop = connection.select('message')[Symbol.asyncIterator]()
		const first = loop.next()
		await flushPromises()
		at.url = '/events'
		connection.connect()
		await flushPromises()
		expect(server.urls).toEqual(['http://app.test/events'])
		await server.last.hello({ text: events('a') })
		expect([await next, await first]).toEqual(['a', { value: 'a', done: false }])
		await loop.return?.()
	})

	test('closes nothing for good: a close() before the URL is there is undone by the next reader', async ({
		connect,
		server
	}) => {
		const { at, from } = setUp()
		const { connection } = connect({}, from)
		listen(connection.select('message'))
		connection.close()
		at.url = '/events'
		listen(connection.select('message'))
		await flushPromises()
		expect(server.count).toBe(1)
	})
})

describe('with a URL of its own', () => {
	/** A function URL that the test sets; the handle takes it up when it is opened again. */
	const setUp = () => {
		const at = { url: 'http://app.test/rooms/1' }
		return { at, from: () => at.url }
	}

	test('a `lastEventId` function gives the cursor of each, and is asked once for each', async ({
		connect,
		server,
		clock
	}) => {
		const { at, from } = setUp()
		const asked: string[] = []
		const lastEventId = (url: string) => {
			asked.push(url)
			return url.endsWith('3') ? undefined : `start of ${url.at(-1)}`
		}
		const { connection } = connect({ lastEventId }, from)
		for (const room of [1, 2, 3]) {
			at.url = `http://app.test/rooms/${room}`
			connection.connect()
			await flushPromises()
			await server.last.fail()
			await clock.advance(1_000)
			await server.last.hello()
			connection.close()
		}
		expect(server.lastEventIds).toEqual([
			'start of 1',
			'start of 1',
			'start of 2',
			'start of 2',
			null,
			null
		])
		expect(asked).toEqual([1, 2, 3].map((room) => `http://app.test/rooms/${room}`))
	})

	test('a `lastEventId` function is not asked again for a URL whose stream has sent an id', async ({
		connect,
		server
	}) => {
		const { connection } = connect({ lastEventId: () => '1' })
		for (const _ of [1, 2]) {
			connection.connect()
			await flushPromises()
			await server.last.hello({ text: 'id: 2\ndata: a\n\n' })
			connection.close()
		}
		expect(server.lastEventIds).toEqual(['1', '2'])
	})

	test('a plain `lastEventId` counts for the first URL only', async ({ connect, server }) => {
		const { at, from } = setUp()
		const { connection } = connect({ lastEventId: '9' }, from)
		for (const room of [1, 2]) {
			at.url = `http://app.test/rooms/${room}`
			connection.connect()
			await flushPromises()
			await server.last.hello()
			connection.close()
		}
		expect(server.lastEventIds).toEqual(['9', null])
	})

	test('an `initial` function gives what channels show, before anything opens and after each change', async ({
		connect
	}) => {
		const { at, from } = setUp()
		const { connection } = connect(
			{ initial: (url: string) => ({ title: `room ${url.at(-1)}` }) },
			from
		)
		const channel = connection.select('title')
		const loud = channel.transform((title) => title.toUpperCase())
		expect([channel.current, loud.current]).toEqual(['room 1', null])
		const { seen } = watch(channel)
		await flushPromises()
		connection.close()
		at.url = 'http://app.test/rooms/2'
		connection.connect()
		expect(channel.current).toBe('room 2')
		expect(seen).toEqual(['room 1', 'room 2'])
	})

	test('an `initial` function that knows nothing of a URL leaves it without', async ({
		connect
	}) => {
		const { at, from } = setUp()
		const { connection } = connect(
			{ initial: (url: string) => (url.endsWith('1') ? { title: 'one' } : {}) },
			from
		)
		const channel = connection.select('title')
		connection.connect()
		expect(channel.current).toBe('one')
		connection.close()
		at.url = 'http://app.test/rooms/2'
		connection.connect()
		expect(channel.current).toBe('')
	})

	// The name of room 1 stood over room 2 until its first event.
	test('a plain `initial` does not carry over to another URL', async ({ connect, server }) => {
		const { at, from } = setUp()
		const { connection } = connect({ initial: { title: 'room 1' } }, from)
		const channel = connection.select('title')
		const never = connection.select('title').filter(() => false)
		watch(channel)
		watch(never)
		await flushPromises()
		await server.last.hello()
		expect([channel.current, never.current]).toEqual(['room 1', 'room 1'])
		connection.close()
		at.url = 'http://app.test/rooms/2'
		connection.connect()
		await flushPromises()
		expect([channel.current, never.current]).toEqual(['', ''])
	})

	test('a plain `initial` stays while the URL does', async ({ connect, server }) => {
		const { connection } = connect({ initial: { title: 'room 1' } })
		connection.connect()
		await flushPromises()
		await server.last.hello()
		connection.close()
		connection.connect()
		expect(connection.select('title').current).toBe('room 1')
	})
})

describe("`urlChange: 'reset'`, the default,", () => {
	test('begins everything anew', async ({ connect, server }) => {
		let topics = 'a'
		const { connection, log } = connect({}, () => `/events?topics=${topics}`)
		const channel = connection.select('message')
		const [all, sum] = [channel.list(), channel.scan((sum, text) => sum + text, '')]
		for (const each of [channel, all, sum]) watch<unknown>(each)
		await flushPromises()
		await server.last.hello({ text: 'id: 7\ndata: a\n\n' })
		connection.close()
		topics = 'b'
		connection.connect()
		expect([channel.current, all.current, sum.current]).toEqual(['', [], ''])
		expect([connection.lastEventId, connection.lastEventAt]).toEqual([undefined, undefined])
		await flushPromises()
		await server.last.hello()
		expect(server.lastEventIds).toEqual([null, null])
		expect(log).not.toContain('gap')
	})
})

describe("`urlChange: 'resume'`", () => {
	const resume = { urlChange: 'resume' as const }

	test('keeps the cursor, the values, the list and the sum', async ({ connect, server }) => {
		let topics = 'a'
		const { connection, log } = connect(resume, () => `/events?topics=${topics}`)
		const channel = connection.select('message')
		const [all, sum] = [channel.list(), channel.scan((sum, text) => sum + text, '')]
		const seen: string[] = []
		channel.subscribe((text) => seen.push(text))
		for (const each of [all, sum]) watch<unknown>(each)
		await flushPromises()
		await server.last.hello({ text: 'id: 7\ndata: a\n\n' })
		connection.close()
		topics = 'a,b'
		connection.connect()
		expect([channel.current, all.current, sum.current]).toEqual(['a', ['a'], 'a'])
		expect(connection.lastEventId).toBe('7')
		await flushPromises()
		await server.last.hello({ resumed: true, text: 'id: 8\ndata: b\n\n' })
		expect([channel.current, all.current, sum.current]).toEqual(['b', ['a', 'b'], 'ab'])
		expect(seen.filter((text, index) => text !== seen[index - 1])).toEqual(['', 'a', 'b'])
		expect(server.lastEventIds).toEqual([null, '7'])
		expect(log).not.toContain('gap')
	})

	test('tells of a gap when the new stream does not go on behind the cursor', async ({
		connect,
		server
	}) => {
		let topics = 'a'
		const { connection, log } = connect(resume, () => `/events?topics=${topics}`)
		connection.connect()
		await flushPromises()
		await server.last.hello({ text: 'id: 7\ndata: a\n\n' })
		connection.close()
		topics = 'a,b'
		connection.connect()
		await flushPromises()
		await server.last.hello()
		expect(log.filter((entry) => entry === 'gap')).toEqual(['gap'])
	})

	test('lets the cursor of the stream win over a `lastEventId` function', async ({
		connect,
		server
	}) => {
		let topics = 'a'
		const { connection } = connect(
			{ ...resume, lastEventId: () => 'of load' },
			() => `/events?topics=${topics}`
		)
		connection.connect()
		await flushPromises()
		await server.last.hello({ resumed: true, text: 'id: 7\ndata: a\n\n' })
		connection.close()
		topics = 'a,b'
		connection.connect()
		await flushPromises()
		expect(server.lastEventIds).toEqual(['of load', '7'])
	})

	// 16 of 107 events were lost without a `gap`.
	test('loses and doubles no event of a topic that stays', async ({ connect, server, clock }) => {
		const hub = new Hub()
		let topics = ['stays', 'goes']
		server.serve = (exchange) => {
			const { searchParams } = new URL(exchange.request.url)
			exchange.pass(
				hub.stream(searchParams.get('topics')!.split(','), { request: exchange.request })
			)
		}
		const { connection, log } = connect(resume, () => `/events?topics=${topics.join()}`)
		const { got } = listen(connection.select('stays'))
		const numbers = Array.from({ length: 40 }, (_, index) => `${index}`)
		await flushPromises()
		for (const number of numbers) {
			await hub.publish('stays', 'stays', number)
			if (+number % 4 === 1) await flushPromises()
			if (+number % 8 === 3) connection.close()
			if (+number % 8 === 5) {
				topics = ['stays', `come${number}`]
				connection.connect()
			}
		}
		await clock.advance(1_000)
		expect(got).toEqual(numbers)
		expect(log).not.toContain('gap')
		connection.close()
		await clock.advance(1_000)
		await hub.close()
	})
})

// `current` showed the initial value for ever, while listeners heard the events.
describe('a URL that is another by the time of the first reader', () => {
	for (const [what, before] of [
		['another URL', 'http://app.test/rooms/0'],
		['not yet a URL', null]
	] as const)
		test(`shows its values in a channel that was made before: ${what}`, async ({
			connect,
			server
		}) => {
			const at = { url: before as string | null }
			const initial = (url: string) => ({ message: `of ${url.at(-1)}` })
			const { connection } = connect({ initial }, () => at.url)
			const channel = connection.select('message')
			at.url = 'http://app.test/rooms/1'
			const { got } = listen(channel)
			expect(channel.current).toBe('of 1')
			await flushPromises()
			await server.last.hello({ text: events('a') })
			expect([channel.current, got]).toEqual(['a', ['a']])
		})
})

// It waited for ever.
test('a reader that waits for a URL hears of the signal that ends it', async ({ connect }) => {
	const controller = new AbortController()
	const { connection, log } = connect({ signal: controller.signal }, () => undefined)
	const next = expect(connection.select('message').next()).rejects.toMatchObject({
		code: 'aborted'
	})
	await flushPromises()
	expect(connection.status).toBe('idle')
	controller.abort()
	await next
	expect(log).toEqual(['error aborted !aborted (local)', 'close aborted !aborted (local)'])
})
