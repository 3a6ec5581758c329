import { describe, expect } from 'vitest'
import { produce, source } from '../../../src/lib/index.js'
import { memoryFetch } from '../../../src/lib/testing/index.js'
import { events, flushPromises, listen, standing, test } from './fixture.js'

describe('through an outage the status is `reconnecting`', () => {
	// It was `connecting` for the 30 s of each attempt that hung, and a banner was hidden for three quarters of an outage.
	for (const [what, isFirst] of [
		['of a stream that was open', false],
		['of a first connect that failed', true]
	] as const)
		test(`until the stream is open again, attempts that hang included: ${what}`, async ({
			connect,
			server,
			clock
		}) => {
			const { connection } = connect()
			connection.connect()
			await flushPromises()
			expect(connection.status).toBe('connecting')
			if (isFirst) await server.last.fail()
			else {
				await server.last.hello({ text: events('a') })
				expect(connection.status).toBe('open')
				await server.last.end()
			}
			const seen = new Set<string>()
			for (let second = 0; second < 300; second++) {
				seen.add(connection.status)
				await clock.advance(1_000)
			}
			expect([...seen]).toEqual(['reconnecting'])
			expect(server.count).toBeGreaterThan(5)
			if (!server.last.isOpen) await clock.advance(connection.retryAt!)
			await server.last.hello()
			expect(standing(connection)).toEqual({
				status: 'open',
				error: undefined,
				attempt: 0,
				retryAt: undefined
			})
		})

	test('and `retryAt` is there while it waits, and gone during an attempt', async ({
		connect,
		server,
		clock
	}) => {
		const { connection } = connect()
		connection.connect()
		await flushPromises()
		const look = () => [connection.status, connection.attempt, connection.retryAt && 'date']
		const seen: unknown[] = [look()]
		for (let attempt = 0; attempt < 3; attempt++) {
			await server.last.fail()
			seen.push(look())
			await clock.advance(connection.retryAt!)
			seen.push(look())
		}
		await server.last.hello()
		seen.push(look())
		expect(seen).toEqual([
			['connecting', 0, undefined],
			['reconnecting', 1, 'date'],
			['reconnecting', 1, undefined],
			['reconnecting', 2, 'date'],
			['reconnecting', 2, undefined],
			['reconnecting', 3, 'date'],
			['reconnecting', 3, undefined],
			['open', 0, undefined]
		])
	})

	test('and `error` is that of the last attempt until the stream is open again', async ({
		connect,
		server,
		clock
	}) => {
		const { connection } = connect()
		connection.connect()
		await flushPromises()
		const seen: unknown[] = []
		for (const end of ['fail', 'refuse', 'hang'] as const) {
			if (end === 'fail') await server.last.fail()
			else if (end === 'refuse') await server.last.refuse(503)
			else await clock.advance(30_000)
			seen.push(connection.error?.code)
			await clock.advance(connection.retryAt!)
			seen.push(connection.error?.code)
		}
		await server.last.hello()
		seen.push(connection.error)
		expect(seen).toEqual([
			'network',
			'network',
			'response',
			'response',
			'timeout',
			'timeout',
			undefined
		])
	})

	test('when connect() brings an attempt forward too', async ({ connect, server, clock }) => {
		const { connection } = connect()
		connection.connect()
		await flushPromises()
		for (let attempt = 0; attempt < 4; attempt++) {
			await server.last.fail()
			await clock.advance(connection.retryAt!)
		}
		await server.last.fail()
		await clock.advance(1_000)
		connection.connect()
		await flushPromises()
		expect(server.count).toBe(6)
		expect([connection.status, connection.retryAt]).toEqual(['reconnecting', undefined])
	})

	test('for a handle that comes to the link meanwhile too', async ({ connect, server, clock }) => {
		connect().connection.connect()
		await flushPromises()
		await server.last.fail()
		const late = connect().connection
		late.connect()
		expect(late.status).toBe('reconnecting')
		await clock.advance(late.retryAt!)
		const later = connect().connection
		listen(later.select('message'))
		expect([late.status, later.status]).toEqual(['reconnecting', 'reconnecting'])
		await server.last.hello()
		expect([late.status, later.status]).toEqual(['open', 'open'])
	})

	test('and `connecting` once more for a reader that comes after an end', async ({
		connect,
		server,
		clock
	}) => {
		const { connection } = connect()
		connection.connect()
		await flushPromises()
		await server.last.hello({ text: events('a') })
		await server.last.goodbye('done')
		expect(connection.status).toBe('closed')
		await clock.advance(1_000)
		connection.connect()
		expect(connection.status).toBe('connecting')
	})
})

describe('with the header `sveltekit-sse: 1; ping=…`', () => {
	test('it is `connecting` until the first frame', async ({ connect, server }) => {
		const { connection, log } = connect()
		connection.connect()
		await flushPromises()
		await server.last.announce()
		expect([connection.status, log]).toEqual(['connecting', []])
		await server.last.write(': sveltekit-sse/1 hello ping=30000\n\n')
		expect([connection.status, log]).toEqual(['open', ['open accepted']])
	})

	test('it is `reconnecting` until the first frame after a loss', async ({
		connect,
		server,
		clock
	}) => {
		const { connection, log } = connect()
		connection.connect()
		await flushPromises()
		await server.last.fail()
		await clock.advance(connection.retryAt!)
		await server.last.announce()
		expect(standing(connection)).toEqual({
			status: 'reconnecting',
			error: 'network',
			attempt: 1,
			retryAt: undefined
		})
		await server.last.write(': sveltekit-sse/1 hello ping=30000\n\n')
		expect([connection.status, connection.attempt, log.at(-1)]).toEqual([
			'open',
			0,
			'open accepted'
		])
	})

	// Behind a proxy that held the first frame back nothing ever showed that the stream was dead.
	test('silence counts from the headers on', async ({ connect, server, clock }) => {
		const { connection, log } = connect()
		connection.connect()
		await flushPromises()
		await server.last.announce(10_000)
		await clock.advance(24_999)
		expect([connection.status, server.last.isOpen]).toEqual(['connecting', true])
		await clock.advance(1)
		expect([connection.status, connection.error?.code]).toEqual(['reconnecting', 'silent'])
		expect(server.last.isOpen).toBe(false)
		expect(log).toEqual(['error silent !silent again in 250', 'close silent !silent again in 250'])
	})

	test('silence counts from the headers on by the `watchdog` option too', async ({
		connect,
		server,
		clock
	}) => {
		const { connection } = connect({ watchdog: 5_000 })
		connection.connect()
		await flushPromises()
		await server.last.announce(10_000)
		await clock.advance(5_000)
		expect([connection.status, connection.error?.code]).toEqual(['reconnecting', 'silent'])
	})

	test('the first frame starts the count of silence over', async ({ connect, server, clock }) => {
		const { connection } = connect()
		connection.connect()
		await flushPromises()
		await server.last.announce(10_000)
		await clock.advance(20_000)
		await server.last.write(': sveltekit-sse/1 hello ping=10000\n\n')
		await clock.advance(24_999)
		expect(connection.status).toBe('open')
		await clock.advance(1)
		expect([connection.status, connection.error?.code]).toEqual(['reconnecting', 'silent'])
	})

	test('and a ping of 0 silence means nothing', async ({ connect, server, clock }) => {
		const { connection } = connect()
		connection.connect()
		await flushPromises()
		await server.last.announce(0)
		expect(connection.status).toBe('connecting')
		await server.last.write(': sveltekit-sse/1 hello ping=0\n\n')
		await clock.advance(3_600_000)
		expect([connection.status, server.count]).toEqual(['open', 1])
	})

	test('a stream that is cut before its first frame was never open', async ({
		connect,
		server
	}) => {
		const { connection, log } = connect()
		connection.connect()
		await flushPromises()
		await server.last.announce()
		await server.last.end()
		expect([connection.status, connection.attempt]).toEqual(['reconnecting', 1])
		expect(log).toEqual(['error cut !cut again in 250', 'close cut !cut again in 250'])
	})

	test('produce() says what it says in the hello frame', async () => {
		const said: unknown[] = []
		for (const options of [{}, { ping: 5_000 }, { ping: false as const }]) {
			const { headers, body } = produce(() => {}, options)
			said.push(headers.get('sveltekit-sse'))
			await body!.cancel()
		}
		expect(said).toEqual(['1; ping=30000', '1; ping=5000', '1; ping=0'])
	})

	test('a whole stream of produce() opens, pings and ends', async ({ clock }) => {
		const seen: string[] = []
		let close!: () => void
		const fetch = memoryFetch(() =>
			produce((stream) => void (close = () => stream.close()), { ping: 1_000 })
		)
		const connection = source('/events', {
			fetch,
			open: ({ headers }) => seen.push(`open ${headers.get('sveltekit-sse')}`)
		})
		connection.connect()
		await clock.advance(60_000)
		expect([connection.status, fetch.requests.length]).toEqual(['open', 1])
		close()
		await flushPromises()
		expect([connection.status, seen]).toEqual(['closed', ['open 1; ping=1000']])
	})
})

describe('without the header', () => {
	test('headers alone mean `open`', async ({ connect, server, clock }) => {
		const { connection, log } = connect()
		connection.connect()
		await flushPromises()
		await server.last.answer()
		expect([connection.status, log]).toEqual(['open', ['open accepted']])
		await clock.advance(3_600_000)
		expect([connection.status, server.count]).toEqual(['open', 1])
	})

	// Across origins a header is hidden that is not exposed.
	test('silence counts by the hello frame', async ({ connect, server, clock }) => {
		const { connection } = connect()
		connection.connect()
		await flushPromises()
		await server.last.answer(': sveltekit-sse/1 hello ping=10000\n\n')
		await clock.advance(24_999)
		expect(connection.status).toBe('open')
		await clock.advance(1)
		expect([connection.status, connection.error?.code]).toEqual(['reconnecting', 'silent'])
	})
})

describe('a network that is lost and comes back', () => {
	for (const [what, answer] of [
		['a stream of ours', 'hello'],
		['a foreign stream', 'answer']
	] as const)
		// It took 1.25 ping intervals, 37.5 s, to notice that the socket was dead.
		test(`brings ${what} back within seconds`, async ({ connect, server, clock, page }) => {
			const { connection } = connect()
			const { got } = listen(connection.select('message'))
			await flushPromises()
			await server.last[answer]()
			await page.offline()
			expect(connection.status).toBe('reconnecting')
			await clock.advance(20_000)
			await page.online()
			await clock.advance(3_000)
			expect(server.count).toBe(2)
			expect([server.all[0]!.isOpen, server.all[1]!.isOpen]).toEqual([false, true])
			await server.last[answer]()
			await server.last.write(events('a'))
			expect([connection.status, got]).toEqual(['open', ['a']])
		})

	test('brings the stream back once, however often the browser says so', async ({
		connect,
		server,
		clock,
		page
	}) => {
		const { connection } = connect()
		connection.connect()
		await flushPromises()
		await server.last.hello()
		await page.offline()
		for (let time = 0; time < 5; time++) await page.online()
		await clock.advance(3_000)
		for (let time = 0; time < 5; time++) await page.online()
		expect(server.count).toBe(2)
		await server.last.hello()
		await clock.advance(30_000)
		expect([connection.status, server.count]).toEqual(['open', 2])
	})

	test('resumes behind the last event', async ({ connect, server, clock, page }) => {
		const { connection } = connect()
		connection.connect()
		await flushPromises()
		await server.last.hello({ text: 'id: 7\ndata: a\n\n' })
		await page.offline()
		await page.online()
		await clock.advance(3_000)
		expect(server.lastEventIds).toEqual([null, '7'])
	})

	test('leaves a stream open that had not been told of the loss', async ({
		connect,
		server,
		clock,
		page
	}) => {
		const { connection } = connect()
		connection.connect()
		await flushPromises()
		await server.last.hello({ ping: 0 })
		await page.online()
		await clock.advance(60_000)
		expect([connection.status, server.count]).toEqual(['open', 1])
	})

	test('is shown until a byte proves the stream alive', async ({ connect, server, page }) => {
		const { connection } = connect()
		connection.connect()
		await flushPromises()
		await server.last.hello()
		await page.offline()
		expect(connection.status).toBe('reconnecting')
		await server.last.write(':\n\n')
		expect([connection.status, server.count]).toEqual(['open', 1])
	})
})

describe("the user's signal", () => {
	test('shows at once while nobody reads', async ({ connect }) => {
		const controller = new AbortController()
		const { connection } = connect({ signal: controller.signal })
		expect(connection.status).toBe('idle')
		controller.abort('mine')
		expect([connection.status, connection.error?.code, connection.error?.cause]).toEqual([
			'closed',
			'aborted',
			'mine'
		])
	})

	test('that was aborted before the call shows at once', async ({ connect, server }) => {
		const { connection } = connect({ signal: AbortSignal.abort('mine') })
		expect([connection.status, connection.error?.code]).toEqual(['closed', 'aborted'])
		expect(connection.error).toBe(connection.error)
		connection.connect()
		await flushPromises()
		expect([connection.status, server.count]).toEqual(['closed', 0])
	})

	test('shows at once after the last reader has left', async ({ connect, server, clock }) => {
		const controller = new AbortController()
		const { connection } = connect({ signal: controller.signal })
		const { stop } = listen(connection.select('message'))
		await flushPromises()
		await server.last.hello()
		stop()
		await clock.advance(100)
		expect(connection.status).toBe('idle')
		controller.abort()
		expect([connection.status, connection.error?.code]).toEqual(['closed', 'aborted'])
	})

	for (const [when, prepare] of [
		['while connecting', async () => {}],
		['while open', (exchange) => exchange.hello()],
		['while it waits for the next attempt', (exchange) => exchange.fail()]
	] as [string, (exchange: { hello(): Promise<void>; fail(): Promise<void> }) => Promise<void>][])
		test(`shows at once ${when}, and ends everything`, async ({ connect, server, clock }) => {
			const controller = new AbortController()
			const { connection, log } = connect({ signal: controller.signal })
			listen(connection.select('message'))
			await flushPromises()
			await prepare(server.last)
			controller.abort()
			expect([connection.status, connection.error?.code]).toEqual(['closed', 'aborted'])
			expect(log.at(-1)).toBe('close aborted !aborted (local)')
			await clock.advance(60_000)
			expect([server.count, server.open, clock.timers]).toEqual([1, [], 0])
		})

	test('leaves its sibling on the link as it was', async ({ connect, server }) => {
		const controller = new AbortController()
		const mine = connect({ signal: controller.signal }).connection
		const other = connect().connection
		mine.connect()
		other.connect()
		await flushPromises()
		await server.last.hello()
		controller.abort()
		expect([mine.status, other.status, other.error]).toEqual(['closed', 'open', undefined])
	})
})
