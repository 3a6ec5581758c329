import { describe, expect } from 'vitest'
import { defineEvents, type Schema, type SseConnection } from '../../../src/lib/index.js'
import { read } from '../../../src/lib/read/index.js'
import { events, flushPromises, listen, slow, test, tick, watch } from './fixture.js'

// What users do in the middle of something else: in callbacks, while schemas take their time, while the page is hidden.

describe('a callback that closes and connects', () => {
	test('as `gap` is called once, and the connection comes back', async ({ connect, server }) => {
		let gaps = 0
		const { connection } = connect({
			lastEventId: '1',
			gap() {
				if (++gaps > 50) return
				connection.close()
				connection.connect()
			}
		})
		connection.connect()
		await flushPromises()
		await server.last.hello()
		expect([gaps, connection.status, server.open.length]).toEqual([1, 'connecting', 1])
	})

	test('as a subscriber of a list that restarts hears nothing of the attempt it gave up', async ({
		connect,
		server
	}) => {
		let runs = 0
		const { connection, log } = connect()
		connection.connect()
		connection
			.select('message')
			.list({ restart: true })
			.subscribe(() => {
				if (++runs === 1 || runs > 50) return
				connection.close()
				connection.connect()
			})
		await flushPromises()
		await server.last.hello({ text: events('old') })
		expect([runs < 4, connection.status, log]).toEqual([
			true,
			'connecting',
			['close local (local)']
		])
	})

	test('as `open` leaves no id and no gap of the stream that it gave up', async ({
		connect,
		server,
		clock
	}) => {
		let isDone = false
		const { connection, log } = connect({
			open() {
				if (isDone) return
				isDone = true
				connection.close()
				connection.connect()
			}
		})
		const { got } = listen(connection.select('message'))
		await flushPromises()
		await server.last.announce()
		await server.last.write('id: 5\ndata: a\n\n')
		await clock.advance(1_000)
		await server.last.fail()
		await clock.advance(2_000)
		expect([server.lastEventIds, got]).toEqual([[null, null, null], []])
		expect(log).not.toContain('gap')
	})

	for (const how of ['close and connect', 'connect'] as const)
		test(`as \`close\` of another handle may ${how} this one`, async ({
			connect,
			server,
			clock
		}) => {
			let isDone = false
			const one = connect({
				close() {
					if (isDone) return
					isDone = true
					if (how === 'close and connect') two.connection.close()
					two.connection.connect()
				}
			})
			const two = connect()
			one.connection.connect()
			listen(two.connection.select('message'))
			await flushPromises()
			await server.last.hello({ text: events('x') })
			await server.last.goodbye('done')
			await clock.advance(10_000)
			expect([two.connection.status, server.count]).toEqual(['reconnecting', 2])
		})

	test('with another URL each time, or in `decide`, makes no storm', async ({
		connect,
		server,
		clock
	}) => {
		let number = 1
		server.serve = (exchange) => exchange.refuse(503)
		const again = (connection: () => SseConnection) => {
			connection().close()
			connection().connect()
		}
		const moving = connect(
			{
				error() {
					number++
					again(() => moving.connection)
				}
			},
			() => `/events?n=${number}`
		)
		moving.connection.connect()
		await clock.advance(10_000)
		const moved = server.count
		moving.connection.close()
		const deciding = connect({
			reconnect: {
				decide() {
					again(() => deciding.connection)
					return undefined
				}
			}
		})
		deciding.connection.connect()
		await clock.advance(10_000)
		expect([moved < 25, server.count - moved < 25]).toEqual([true, true])
	})
})

test('a reader that comes in `open` hears each event once, and leaves nothing', async ({
	connect,
	server,
	clock
}) => {
	connect().connection.connect()
	await flushPromises()
	await server.last.hello()
	const inner: string[] = []
	const stops: (() => void)[] = []
	const { connection } = connect({
		open: () => stops.push(connection.select('message').on((text) => inner.push(text)))
	})
	const { got, stop } = listen(connection.select('message'))
	stops.push(stop)
	await flushPromises()
	await server.last.write(events('a'))
	expect([got, inner]).toEqual([['a'], ['a']])
	for (const each of stops) each()
	await clock.advance(1_000)
	expect(connection.status).toBe('idle')
})

test('`connect()` of a late close event holds no longer than the readers', async ({
	connect,
	server,
	clock
}) => {
	let late = (): void => {}
	const { connection } = connect({ close: ({ connect }) => (late = connect) })
	const { stop } = listen(connection.select('message'))
	await flushPromises()
	await server.last.hello()
	await server.last.goodbye('done')
	await clock.advance(1_000)
	late()
	await clock.advance(1_000)
	await server.last.hello()
	expect(connection.status).toBe('open')
	stop()
	await clock.advance(1_000)
	expect(connection.status).toBe('idle')
	late()
	await clock.advance(1_000)
	expect([connection.status, server.count]).toEqual(['idle', 2])
})

test('`close` is called again for the outage after a `connect()` in it', async ({
	connect,
	server,
	clock
}) => {
	const { connection, log } = connect({
		close: ({ connect, reason }) => reason === 'done' && connect()
	})
	listen(connection.select('message'))
	await flushPromises()
	await server.last.hello()
	await server.last.goodbye('done')
	await clock.advance(1_000)
	await server.last.fail()
	await clock.advance(5_000)
	await server.last.fail()
	expect(log.filter((line) => line.startsWith('close'))).toHaveLength(2)
})

describe('while a schema takes its time', () => {
	test('late readers of two names read each event once', async ({ connect, server }) => {
		let checks = 0
		const schema: Schema<string, string> = {
			'~standard': {
				version: 1,
				vendor: 'test',
				async validate(value) {
					// Ends what would go on for ever.
					if (++checks > 500) await new Promise(() => {})
					return { value: value as string }
				}
			}
		}
		const { connection } = connect({ events: defineEvents({ a: schema, b: schema }) })
		connection.connect()
		await flushPromises()
		await server.last.hello({ text: 'event: a\ndata: "1"\n\nevent: b\ndata: "2"\n\n' })
		const [a, b] = [watch(connection.select('a')), watch(connection.select('b'))]
		await flushPromises()
		expect([a.seen, b.seen]).toEqual([
			[undefined, '1'],
			[undefined, '2']
		])
		expect(checks).toBeLessThan(10)
	})

	test('close() keeps the id of what was handed on', async ({ connect, server }) => {
		const { gates, contract } = slow()
		const { connection } = connect({ events: contract })
		const { got } = listen(connection.select('tick'))
		await flushPromises()
		await server.last.hello({ text: tick(1) + tick(2) })
		gates[0]!()
		await flushPromises()
		connection.close()
		connection.connect()
		await flushPromises()
		gates[1]!()
		await flushPromises()
		expect([server.last.lastEventId, got]).toEqual(['1', ['1']])
	})

	test('an abort is the end', async ({ connect, server }) => {
		const { gates, contract } = slow()
		const abort = new AbortController()
		const { connection } = connect({ events: contract, signal: abort.signal })
		const { got } = listen(connection.select('tick'))
		await flushPromises()
		await server.last.hello({ text: tick(1) })
		abort.abort()
		for (const open of gates) open()
		await flushPromises()
		expect([connection.status, got]).toEqual(['closed', []])
	})

	test('another URL of the same stream goes on behind what has come', async ({
		connect,
		server
	}) => {
		let topics = 'a'
		const { gates, contract } = slow()
		const options = { events: contract, urlChange: 'resume' as const }
		const { connection } = connect(options, () => `/events?topics=${topics}`)
		const { got } = listen(connection.select('tick'))
		await flushPromises()
		await server.last.hello({ text: tick(1) + tick(2) })
		topics = 'b'
		// Without effects a URL is read again when somebody comes.
		connection.close()
		connection.connect()
		await flushPromises()
		const after = Number(server.last.lastEventId ?? 0)
		await server.last.hello({
			resumed: after > 0,
			text: [1, 2, 3]
				.filter((id) => id > after)
				.map(tick)
				.join('')
		})
		for (let round = 0; round < 6; round++) {
			for (const open of gates) open()
			await flushPromises()
		}
		expect(got).toEqual(['1', '2', '3'])
	})
})

describe('in a page that has been hidden for long', () => {
	for (const what of ['a new handle', 'close() and connect()', 'another URL', 'a new reader'])
		test(`${what} asks for nothing`, async ({ connect, server, clock, page }) => {
			let number = 1
			const options = { hidden: { pauseAfter: 60_000 } }
			const { connection } = connect(options, () => `/events?n=${number}`)
			const { stop } = listen(connection.select('message'))
			await flushPromises()
			await server.last.hello()
			await page.hide()
			await clock.advance(600_000)
			if (what === 'a new handle') connect(options, '/events?n=3').connection.connect()
			else if (what === 'a new reader') {
				stop()
				await clock.advance(1_000)
				listen(connection.select('message'))
			} else {
				connection.close()
				if (what === 'another URL') number++
				connection.connect()
			}
			await clock.advance(10_000)
			expect(server.count).toBe(1)
			await page.show()
			await flushPromises()
			expect(server.count).toBeGreaterThan(1)
		})
})

test('a socket that died before its first frame is given up when the network is back', async ({
	connect,
	server,
	clock,
	page
}) => {
	connect().connection.connect()
	await flushPromises()
	await server.last.announce()
	await page.offline()
	await clock.advance(1_000)
	await page.online()
	await clock.advance(1_000)
	expect(server.count).toBe(2)
})

test('`scan` keeps the classes in its initial value, and changes no date of it', async ({
	connect,
	server
}) => {
	class Money {
		cents = 0
	}
	const money = { sum: new Money() }
	const date = new Date(0)
	const channel = connect().connection.select('message')
	const sums = channel.scan((all, text) => {
		all.sum.cents += +text
		return { ...all }
	}, money)
	const dates = channel.scan((at, text) => {
		at.setTime(+text)
		return at
	}, date)
	listen(sums)
	const { got } = listen(dates)
	await flushPromises()
	await server.last.hello({ text: events('1', '2') })
	expect([sums.error, sums.current.sum instanceof Money, +got.at(-1)!, +date]).toEqual([
		undefined,
		true,
		2,
		0
	])
})

test('`next()` with a signal that is aborted opens nothing, and takes nothing', async ({
	connect,
	server,
	clock
}) => {
	const { connection, log } = connect()
	const channel = connection.select('message')
	const aborted = { signal: AbortSignal.abort() }
	await expect(channel.next(aborted)).rejects.toMatchObject({ code: 'aborted' })
	await clock.advance(1_000)
	expect([server.count, log]).toEqual([0, []])
	const first = channel.next()
	await flushPromises()
	const written = server.last.hello({ text: events('a', 'b') })
	expect(await first).toBe('a')
	await expect(channel.next(aborted)).rejects.toMatchObject({ code: 'aborted' })
	expect(await channel.next()).toBe('b')
	await written
})

test('an error whose message throws silences nobody', async ({ connect, server, reported }) => {
	const hostile = Object.defineProperty(new Error('x'), 'message', {
		get() {
			throw new Error('no')
		}
	})
	const channel = connect().connection.select('message')
	const { got } = listen(
		channel.transform((text) => {
			if (text === 'bad') throw hostile
			return text
		})
	)
	const other = watch(channel)
	await flushPromises()
	await server.last.hello({ text: events('a', 'bad', 'b') })
	expect(reported.splice(0)).not.toEqual([])
	expect([got, other.seen]).toEqual([
		['a', 'b'],
		['', 'a', 'bad', 'b']
	])
})

describe('read()', () => {
	const url = 'http://app.test/events'

	test('gives no event for what a callback returns', async ({ server }) => {
		server.serve = (exchange) => exchange.hello({ text: `: sveltekit-sse/1 gap\n\n${events('a')}` })
		const stream = read(url, { fetch: server.fetch, open: () => 1, gap: () => 2 })
		expect(await stream.next()).toMatchObject({ value: { data: 'a' } })
		await stream.return()
	})

	test('that is busy is not overrun by reconnects', async ({ server, clock }) => {
		server.serve = (exchange) =>
			exchange.hello({ text: `${events('a', 'b', 'c')}: sveltekit-sse/1 close restart\n\n` })
		const stream = read(url, { fetch: server.fetch })
		await stream.next()
		await clock.advance(600_000)
		const { count } = server
		await stream.return()
		expect(count).toBe(1)
	})

	test('hears an abort while events before the end still wait', async ({ server, clock }) => {
		const abort = new AbortController()
		const stream = read(url, { fetch: server.fetch, signal: abort.signal })
		const first = stream.next()
		await flushPromises()
		await server.last.hello({ text: `${events('1', '2')}: sveltekit-sse/1 close done\n\n` })
		await first
		await clock.advance(5_000)
		abort.abort()
		await expect(stream.next()).rejects.toMatchObject({ code: 'aborted' })
	})

	test('keeps to `Retry-After`, whatever `decide` says', async ({ server, clock }) => {
		server.serve = (exchange) => exchange.refuse(503, { 'retry-after': '60' })
		const stream = read(url, { fetch: server.fetch, reconnect: { decide: () => 0 } })
		const first = stream.next().catch(() => {})
		await clock.advance(59_000)
		expect(server.count).toBe(1)
		await stream.return()
		await first
	})
})
