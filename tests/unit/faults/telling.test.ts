import { describe, expect } from 'vitest'
import { events, flushPromises, listen, slow, test, tick, watch } from './fixture.js'

// Who is told of what, and in which order: of ends, of gaps, and of an event that reaches many.

const numbered = (...ids: number[]) => ids.map((id) => `id: ${id}\ndata: ${id}\n\n`).join('')

/** Lets slow schemas read everything that waits. */
async function readAll(gates: (() => void)[]): Promise<void> {
	for (let round = 0; round < 5; round++) {
		for (const open of gates.splice(0)) open()
		await flushPromises()
	}
}

describe('next() after one that failed', () => {
	// It was given what the failed one had waited with, and so rejected at once, as did the next, for ever.
	for (const how of ['timeout', 'signal'] as const)
		test(`waits for the next event: ${how}`, async ({ connect, server, clock }) => {
			const channel = connect().connection.select('message')
			listen(channel)
			await flushPromises()
			await server.last.hello()
			const leaving = new AbortController()
			const outcome = channel
				.next(how === 'timeout' ? { timeout: 100 } : { signal: leaving.signal })
				.catch(() => channel.next())
			leaving.abort()
			await clock.advance(100)
			await server.last.write(events('x'))
			expect(await outcome).toBe('x')
		})

	test('opens the connection again, if it was closed', async ({ connect, server, clock }) => {
		const channel = connect().connection.select('message')
		const outcome = channel.next().catch(() => channel.next())
		await flushPromises()
		await server.last.hello()
		await server.last.goodbye('done')
		await clock.advance(1_000)
		await server.last.hello({ text: events('x') })
		expect(await outcome).toBe('x')
	})

	test('lets the page run in a loop that catches everything', async ({
		connect,
		server,
		clock
	}) => {
		const channel = connect().connection.select('message')
		const outcomes: string[] = []
		let isOver = false
		void (async () => {
			while (!isOver && outcomes.length < 1_000)
				await channel.next({ timeout: 1_000 }).then(
					(data) => outcomes.push(data),
					({ code }) => outcomes.push(code)
				)
		})()
		await flushPromises()
		await server.last.hello()
		await clock.advance(1_000)
		await server.last.write(events('a'))
		isOver = true
		await clock.advance(2_000)
		expect(outcomes).toEqual(['timeout', 'a', 'timeout'])
	})
})

describe('a gap', () => {
	// The handle was said to have come as far as the link, and the gap was forgotten when it left.
	test('is told although `open` closes and connects', async ({ connect, server }) => {
		let times = 0
		const a = connect({
			open() {
				if (++times !== 2) return
				a.connection.close()
				a.connection.connect()
			}
		})
		connect().connection.connect()
		const { got } = listen(a.connection.select('message'))
		await flushPromises()
		await server.last.hello({ text: numbered(1) })
		a.connection.close()
		await server.last.write(numbered(2, 3))
		a.connection.connect()
		await flushPromises()
		await server.last.write(numbered(4))
		expect([got, a.log.filter((line) => line === 'gap')]).toEqual([['1', '4'], ['gap']])
	})

	test('is told although a subscriber closes and connects', async ({ connect, server }) => {
		const a = connect()
		connect().connection.connect()
		const channel = a.connection.select('message')
		channel.subscribe((value) => {
			if (value !== '3') return
			a.connection.close()
			a.connection.connect()
		})
		await flushPromises()
		await server.last.hello({ text: numbered(1) })
		a.connection.close()
		await server.last.write(numbered(2, 3))
		a.connection.connect()
		await flushPromises()
		expect(a.log.filter((line) => line === 'gap')).toEqual(['gap'])
	})

	test('is told although the late event is still being read', async ({ connect, server }) => {
		const { gates, contract } = slow()
		const a = connect({ events: contract })
		connect({ events: contract }).connection.connect()
		const { got } = listen(a.connection.select('tick'))
		await flushPromises()
		await server.last.hello({ text: tick(1) })
		await readAll(gates)
		a.connection.close()
		await server.last.write(tick(2) + tick(3))
		a.connection.connect()
		await flushPromises()
		a.connection.close()
		a.connection.connect()
		await readAll(gates)
		await server.last.write(tick(4))
		await readAll(gates)
		expect([got, a.log.filter((line) => line === 'gap')]).toEqual([['1', '4'], ['gap']])
	})

	test('is not told for an id of another URL', async ({ connect, server }) => {
		const { gates, contract } = slow()
		let room = 'a'
		listen(connect({ events: contract }, '/events?room=b').connection.select('tick'))
		const { connection, log } = connect({ events: contract }, () => `/events?room=${room}`)
		listen(connection.select('tick'))
		await flushPromises()
		await server.all[0]!.hello({ text: tick(9) })
		await server.all[1]!.hello({ text: tick(5) })
		await readAll(gates)
		log.length = 0
		connection.close()
		room = 'b'
		connection.connect()
		await readAll(gates)
		expect(log).toEqual(['close local (local)', 'open accepted'])
	})
})

describe('an end that waits behind a slow schema', () => {
	// Others had opened the link again, whose events came a second time, and after the end.
	test('ends what is heard of the link', async ({ connect, server, clock }) => {
		const { gates, contract } = slow()
		const [a, b] = [connect({ events: contract }), connect({ events: contract })]
		const { got } = listen(a.connection.select('tick'))
		const { stop } = listen(b.connection.select('tick'))
		await flushPromises()
		await server.last.hello({ text: tick(1) })
		await readAll(gates)
		await server.last.write(tick(2))
		await server.last.goodbye('done')
		stop()
		b.connection.close()
		await clock.advance(1_000)
		b.connection.connect()
		await clock.advance(1_000)
		await server.last.hello({ resumed: true, text: tick(2) + tick(3) })
		await readAll(gates)
		expect([got, a.connection.status, a.connection.lastEventId]).toEqual([
			['1', '2'],
			'closed',
			'2'
		])
	})

	test('is told to whoever connects before', async ({ connect, server, clock }) => {
		const { gates, contract } = slow()
		const { connection, log } = connect({ events: contract })
		const { got } = listen(connection.select('tick'))
		await flushPromises()
		await server.last.hello({ text: tick(1) })
		await server.last.goodbye('done')
		await clock.advance(2_000)
		connection.connect()
		expect(log).toEqual(['open accepted', 'close done'])
		await readAll(gates)
		expect(connection.status).toBe('connecting')
		await server.last.hello({ resumed: true, text: tick(2) })
		await readAll(gates)
		expect([got, server.last.lastEventId]).toEqual([['1', '2'], '1'])
	})
})

test('an end is told as what it was to a handle that another one’s `close` has connected', async ({
	connect,
	server,
	clock
}) => {
	const one = connect({ close: () => void two.connection.connect() })
	one.connection.connect()
	const two = connect()
	two.connection.connect()
	await flushPromises()
	await server.last.hello({ text: events('1') })
	await server.last.goodbye('denied')
	await clock.advance(2_000)
	expect([one.log, two.log]).toEqual([
		['open accepted', 'error denied !denied', 'close denied !denied'],
		['open accepted', 'error denied !denied', 'close denied !denied']
	])
	expect([two.connection.status, server.count]).toEqual(['reconnecting', 2])
})

describe('close() in `error` of the last error', () => {
	// It was taken for the end, which lost its reason, and `close` was never called.
	test('leaves the end what it is', async ({ connect, server }) => {
		const { connection, log } = connect({ error: (event) => event.close() })
		const loop = (async () => {
			for await (const _ of connection.select('message'));
		})().catch(({ code }) => code)
		await flushPromises()
		await server.last.hello()
		await server.last.goodbye('denied')
		expect(log).toEqual(['open accepted', 'error denied !denied', 'close denied !denied'])
		expect([await loop, connection.error?.code]).toEqual(['denied', 'denied'])
	})

	test('also where there is no URL', ({ connect, reported }) => {
		const { connection, log } = connect({ error: (event) => event.close() }, () => {
			throw new Error('no room')
		})
		connection.connect()
		expect(log).toEqual(['error request !invalid-url', 'close request !invalid-url'])
		reported.length = 0
	})
})

describe('whoever comes while an event is told', () => {
	test('sees it once, and does not hear it', async ({ connect, server }) => {
		const { connection } = connect()
		const [named, bare] = [connection.select('message'), connection.select('')]
		const [seen, heard]: string[][] = [[], []]
		listen(bare)
		let hasCome = false
		named.on(() => {
			if (hasCome) return
			hasCome = true
			bare.subscribe((value) => seen!.push(value))
			bare.on((data) => heard!.push(data))
		})
		await flushPromises()
		await server.last.hello({ text: events('x') })
		expect([seen, heard]).toEqual([['x'], []])
		await server.last.write(events('y'))
		expect([seen, heard]).toEqual([['x', 'y'], ['y']])
	})

	test('after a close() is not ended by that', async ({ connect, server, clock }) => {
		const { connection } = connect()
		const channel = connection.select('message')
		const got: unknown[] = []
		const stop = channel.on(() => {
			stop()
			connection.close()
			channel.next().then(
				(data) => got.push(data),
				({ code }) => got.push(code)
			)
			void (async () => {
				for await (const data of channel) got.push(data)
			})()
		})
		await flushPromises()
		await server.last.hello({ text: events('a') })
		await clock.advance(1_000)
		await server.last.hello({ text: events('b') })
		expect(got).toEqual(['b', 'b'])
	})
})

describe('a function that goes to another URL', () => {
	// What it had gathered of the old one was put back.
	test('leaves nothing behind in a sum or a list', async ({ connect, server, clock }) => {
		for (const kind of ['sum', 'list'] as const) {
			let room = 'a'
			const { connection } = connect({}, () => `/${kind}?room=${room}`)
			const go = (data: string): void => {
				if (data !== '2' || room === 'b') return
				room = 'b'
				connection.close()
				connection.connect()
			}
			const channel = connection.select('message')
			const gathered =
				kind === 'sum'
					? channel.scan((sum, data) => (go(data), sum + data), '')
					: channel.list({ key: (data) => (go(data), data) }).transform((items) => items.join(''))
			watch(gathered as typeof channel)
			await flushPromises()
			await server.last.hello({ text: events('1', '2') })
			await clock.advance(2_000)
			await server.last.hello({ text: events('x') })
			expect([kind, gathered.current]).toEqual([kind, 'x'])
			connection.close()
		}
	})
})

describe('a list that starts over with the stream', () => {
	test('does so too if nobody read it when the stream did', async ({ connect, server, clock }) => {
		const { connection } = connect()
		connection.connect()
		const list = connection.select('message').list({ restart: true })
		const { stop } = listen(list)
		await flushPromises()
		await server.last.hello({ text: events('a', 'b') })
		stop()
		await clock.advance(10_000)
		await server.last.fail()
		await clock.advance(1_000)
		await server.last.hello()
		watch(list)
		await server.last.write(events('a', 'b'))
		expect(list.current).toEqual(['a', 'b'])
	})

	test('does so too if its handle was away', async ({ connect, server, clock }) => {
		const [one, two] = [connect(), connect()]
		two.connection.connect()
		const list = one.connection.select('message').list({ restart: true })
		const { stop } = listen(list)
		await flushPromises()
		await server.last.hello({ text: events('a', 'b') })
		stop()
		await clock.advance(10_000)
		await server.last.fail()
		await clock.advance(1_000)
		await server.last.hello()
		watch(list)
		await flushPromises()
		await server.last.write(events('a', 'b'))
		expect(list.current).toEqual(['a', 'b'])
	})

	test('goes on with a stream that goes on', async ({ connect, server, clock }) => {
		const { connection } = connect()
		const list = connection.select('message').list({ restart: true })
		const { stop } = listen(list)
		await flushPromises()
		await server.last.hello({ text: numbered(1, 2) })
		stop()
		await clock.advance(10_000)
		watch(list)
		await flushPromises()
		await server.last.hello({ resumed: true, text: numbered(3) })
		expect(list.current).toEqual(['1', '2', '3'])
	})
})

describe('`decide` that closes', () => {
	test('and connects again waits for the Retry-After of this loss', async ({
		connect,
		server,
		clock
	}) => {
		let losses = 0
		const decide = () => {
			if (++losses < 2) return undefined
			connection.close()
			connection.connect()
			return undefined
		}
		const { connection } = connect({ reconnect: { decide } })
		connection.connect()
		await flushPromises()
		await server.last.refuse(503)
		await clock.advance(10_000)
		await server.last.refuse(503, { 'retry-after': '60' })
		await clock.advance(50_000)
		expect(server.count).toBe(2)
		await clock.advance(20_000)
		expect(server.count).toBe(3)
	})

	test('does not undo the loss', async ({ connect, server, clock }) => {
		const attempts: number[] = []
		const decide = ({ attempt }: { attempt: number }) => {
			attempts.push(attempt)
			connection.close()
			return undefined
		}
		const { connection } = connect({ reconnect: { decide } })
		server.serve = (exchange) => exchange.refuse(503)
		for (let time = 0; time < 8; time++) {
			connection.connect()
			await clock.advance(300)
		}
		// Now and then it waits for `min`.
		expect(attempts).toEqual([1, 2, 3, 4, 5, 6])
		connection.close()
		const { count } = server
		server.serve = (exchange) => exchange.refuse(503, { 'retry-after': '60' })
		await clock.advance(10_000)
		connection.connect()
		await clock.advance(1_000)
		connection.connect()
		await clock.advance(10_000)
		expect(server.count).toBe(count + 1)
	})
})

test('`lastEventAt` outlives a change of the URL that stays with the stream', async ({
	connect,
	server,
	clock
}) => {
	let topics = 'a'
	const { connection } = connect({ urlChange: 'resume' }, () => `/events?${topics}`)
	listen(connection.select('message'))
	await flushPromises()
	await server.last.hello({ text: numbered(1) })
	const at = connection.lastEventAt
	await clock.advance(1_000)
	topics = 'b'
	connection.connect()
	await clock.advance(1_000)
	await server.last.hello({ resumed: true })
	expect([server.count, connection.lastEventId, connection.lastEventAt]).toEqual([2, '1', at])
	expect(at).toBeDefined()
})

test('`retry:` stays in force over such a change, though others keep the old link', async ({
	connect,
	server,
	clock
}) => {
	let topics = 'a'
	const { connection } = connect({ urlChange: 'resume' }, () => `/events?${topics}`)
	connect({}, '/events?a').connection.connect()
	connection.connect()
	await flushPromises()
	await server.last.hello({ text: 'retry: 60000\n\n' + events('x') })
	topics = 'b'
	connection.connect()
	await flushPromises()
	await server.last.refuse(503)
	await clock.advance(50_000)
	expect(server.count).toBe(2)
})
