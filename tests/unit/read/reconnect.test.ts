import { describe, expect, test } from 'vitest'
import { produce, type ProducerConnection } from '../../../src/lib/index.js'
import { read, SseError } from '../../../src/lib/read/index.js'
import { flushPromises, manualClock, memoryFetch } from '../../../src/lib/testing/index.js'
import { foreign, leaveNothing, linesOf, Log } from './fixture.js'

leaveNothing()

const url = 'http://app.test/events'

/** A server whose streams are in the hands of the test. */
function server(options: { resumes?: boolean; ping?: number } = {}) {
	const streams: ProducerConnection[] = []
	const fetch = memoryFetch(({ request }: { request: Request }) =>
		produce((connection) => void streams.push(connection), {
			request,
			ping: options.ping ?? false,
			resumed: options.resumes
		})
	)
	return { fetch, streams, last: () => streams.at(-1)! }
}

describe('a connection that is lost', () => {
	test('comes back by itself, and resumes', async () => {
		using clock = manualClock()
		const { fetch, last } = server({ resumes: true })
		const log = new Log(read(url, { fetch }))
		await flushPromises()
		last().emit('n', 1, { id: 'a' })
		await flushPromises()
		await fetch.drop()
		expect(clock.next).toBe(250)
		await clock.advance(250)
		expect(fetch.requests[1]?.headers.get('last-event-id')).toBe('a')
		last().emit('n', 2, { id: 'b' })
		last().close()
		await log.done
		expect(log.lines).toEqual(['n:1 #a', 'n:2 #b', 'over'])
	})

	test('is a failed first connect too, which `error` hears of', async () => {
		using clock = manualClock()
		const { fetch, last } = server()
		fetch.isOffline = true
		const errors: string[] = []
		const log = new Log(read(url, { fetch, error: ({ code }) => void errors.push(code) }))
		await clock.advance(250)
		await clock.advance(500)
		expect(errors).toEqual(['network', 'network', 'network'])
		fetch.isOffline = false
		await clock.advance(1_000)
		last().emit('n', 1)
		last().close()
		await log.done
		expect(log.lines).toEqual(['n:1', 'over'])
	})

	test('pauses as `reconnect` says, and gives up after so many attempts', async () => {
		using clock = manualClock()
		const { fetch } = server()
		fetch.isOffline = true
		const log = new Log(read(url, { fetch, reconnect: { min: 1_000, attempts: 2 } }))
		await flushPromises()
		expect(clock.next).toBe(500)
		await clock.advance(500)
		expect(clock.next).toBe(1_000)
		await clock.advance(1_000)
		await log.done
		expect(fetch.requests.length).toBe(3)
		expect(log.lines).toEqual([expect.stringMatching(/^!network .*offline/)])
	})

	test('waits as long as the server asks, by `retry:` and by Retry-After', async () => {
		using clock = manualClock()
		const { fetch, last } = server()
		const log = new Log(read(url, { fetch }))
		await flushPromises()
		last().close('restart', { retry: 4_000 })
		await flushPromises()
		expect(clock.next).toBe(4_250)
		fetch.respond(new Response('', { status: 503, headers: { 'retry-after': '60' } }))
		await clock.advance(4_250)
		expect(clock.next).toBeGreaterThanOrEqual(60_000)
		fetch.respond(204)
		await clock.advance(clock.next!)
		await log.done
		expect(log.lines).toEqual(['over'])
	})

	test('waits for `retry:` until another one comes', async () => {
		using clock = manualClock()
		const { fetch, last } = server()
		const stream = read(url, { fetch })
		const waiting = stream.next()
		await flushPromises()
		last().close('restart', { retry: 4_000 })
		await clock.advance(4_250)
		await fetch.drop()
		expect(clock.next).toBeGreaterThanOrEqual(4_000)
		await stream.return()
		await waiting
	})

	test('does not resume after an empty id', async () => {
		using clock = manualClock()
		const { fetch, last } = server()
		const stream = read(url, { fetch, gap: () => expect.unreachable() })
		const waiting = [stream.next(), stream.next(), stream.next()]
		await flushPromises()
		last().emit('n', 1, { id: 'a' })
		last().emit('n', 2, { id: '' })
		await flushPromises()
		await fetch.drop()
		await clock.advance(250)
		expect(fetch.requests[1]?.headers.has('last-event-id')).toBe(false)
		last().emit('n', 3)
		await Promise.all(waiting)
		await stream.return()
	})

	test('comes back soon when its stream delivered something and ended in order', async () => {
		using clock = manualClock()
		const { fetch, last } = server()
		const log = new Log(read(url, { fetch }))
		for (let round = 0; round < 5; round++) {
			await flushPromises()
			last().emit('n', round)
			last().close('restart')
			await flushPromises()
			expect(clock.next).toBe(500)
			await clock.advance(500)
		}
		last().close()
		await log.done
		expect(log.lines).toEqual(['n:0', 'n:1', 'n:2', 'n:3', 'n:4', 'over'])
	})

	test('is what `decide` makes of it', async () => {
		using clock = manualClock()
		const asked: unknown[] = []
		const { fetch, last } = server()
		const decide = ({ reason, attempt }: { reason: string; attempt: number }) => {
			asked.push([reason, attempt])
			return asked.length === 1 ? 7_000 : false
		}
		const log = new Log(read(url, { fetch, reconnect: { decide } }))
		await flushPromises()
		await fetch.drop()
		expect(clock.next).toBe(7_000)
		await clock.advance(7_000)
		last().close('expired')
		await log.done
		expect(asked).toEqual([
			['cut', 1],
			['expired', 2]
		])
		expect(log.lines).toEqual(['!cut The server ended the stream before it was done: expired'])
	})

	test('ends the loop if `decide` would wait for ever, since nobody could end that', async () => {
		const { fetch } = server()
		const log = new Log(read(url, { fetch, reconnect: { decide: () => Infinity } }))
		await flushPromises()
		await fetch.drop()
		await log.done
		expect(log.lines).toEqual([expect.stringMatching(/^!cut /)])
	})

	test('counts from the start once a stream has lasted', async () => {
		using clock = manualClock()
		const { fetch } = server()
		fetch.isOffline = true
		const stream = read(url, { fetch })
		const waiting = stream.next()
		await clock.advance(250)
		await clock.advance(500)
		fetch.isOffline = false
		await clock.advance(1_000)
		await clock.advance(5_000)
		await fetch.drop()
		expect(clock.next).toBe(250)
		// What lasted counts once: the losses that follow are in a row again.
		fetch.isOffline = true
		await clock.advance(250)
		expect(clock.next).toBe(500)
		await clock.advance(500)
		expect(clock.next).toBe(1_000)
		await stream.return()
		await waiting
	})
})

describe('without a reconnect', () => {
	test('the loop throws what broke the connection', async () => {
		const { fetch } = server()
		const log = new Log(read(url, { fetch, reconnect: false }))
		await flushPromises()
		await fetch.drop()
		await log.done
		expect(log.lines).toEqual([expect.stringMatching(/^!cut The stream broke off/)])
		expect(fetch.requests.length).toBe(1)
	})

	test.for(['restart', 'rotate', 'slow', 'expired'] as const)(
		'a stream that ends with `%s` is cut, since it is not whole',
		async (reason) => {
			const { fetch, last } = server()
			const stream = read(url, { fetch, reconnect: false })
			const waiting = stream.next()
			await flushPromises()
			last().close(reason)
			const error: SseError = await waiting.then(
				() => expect.unreachable(),
				(thrown) => thrown
			)
			expect([error.code, error.reason]).toEqual(['cut', reason])
		}
	)

	test('a foreign stream that ends in order is whole', async () => {
		const fetch = memoryFetch(() => foreign('id: 1\ndata: a\n\n'))
		expect(await linesOf(read(url, { fetch, reconnect: false }))).toEqual(['message:a #1', 'over'])
	})

	test('a foreign stream that ends inside an event is cut', async () => {
		const fetch = memoryFetch(() => foreign('data: a\n\ndata: b'))
		expect(await linesOf(read(url, { fetch, reconnect: false }))).toEqual([
			'message:a',
			expect.stringMatching(/^!cut /)
		])
	})
})

describe('`lastEventId`', () => {
	test('is where the first connect resumes', async () => {
		const fetch = memoryFetch(() => foreign('data: a\n\n'))
		await linesOf(read(url, { fetch, lastEventId: 'é7', reconnect: false }))
		expect(fetch.requests[0]?.headers.get('last-event-id')).toBe('Ã©7')
	})
})

describe('`gap` and `open`', () => {
	test('are called in their place between the events', async () => {
		using clock = manualClock()
		const { fetch, last } = server()
		const log: string[] = []
		const stream = read(url, {
			fetch,
			gap: () => void log.push('gap'),
			open: ({ response, resumed }) => void log.push(`open ${response.status} ${resumed}`)
		})
		const reading = (async () => {
			for await (const { data } of stream) log.push(data)
		})()
		await flushPromises()
		last().emit('n', 1, { id: 'a' })
		await flushPromises()
		await fetch.drop()
		await clock.advance(250)
		last().emit('n', 2, { id: 'b' })
		last().close()
		await reading
		expect(log).toEqual(['open 200 false', '1', 'open 200 false', 'gap', '2'])
	})

	test('wait for a loop that is busy', async () => {
		const text = 'data: a\n\ndata: b\n\n: sveltekit-sse/1 gap\n\ndata: c\n\n'
		const fetch = memoryFetch(() => foreign(`: sveltekit-sse/1 hello ping=0\n\n${text}`))
		const log: string[] = []
		const stream = read(url, { fetch, gap: () => void log.push('gap'), reconnect: false })
		for (const data of ['a', 'b']) {
			log.push((await stream.next()).value!.data)
			await flushPromises()
			expect(log.at(-1)).toBe(data)
		}
		log.push((await stream.next()).value!.data)
		expect(log).toEqual(['a', 'b', 'gap', 'c'])
		await stream.return()
	})

	test('say that a stream resumed', async () => {
		const { fetch, last } = server({ resumes: true })
		const opened: unknown[] = []
		const stream = read(url, {
			fetch,
			lastEventId: 'a',
			open: ({ resumed }) => void opened.push(resumed),
			gap: () => expect.unreachable()
		})
		const waiting = stream.next()
		await flushPromises()
		last().emit('n', 1)
		await waiting
		expect(opened).toEqual([true])
		await stream.return()
	})

	test('do not know it of a foreign stream', async () => {
		const fetch = memoryFetch(() => foreign('data: a\n\n'))
		const opened: unknown[] = []
		await linesOf(read(url, { fetch, open: ({ resumed }) => void opened.push(resumed) }))
		expect(opened).toEqual([undefined])
	})

	test('end the loop with what they throw', async () => {
		const fetch = memoryFetch(() => foreign('data: a\n\n'))
		const open = () => {
			throw new Error('no')
		}
		expect(await linesOf(read(url, { fetch, open }))).toEqual(['!error no'])
		expect(fetch.open).toBe(0)
	})
})

describe('`error`', () => {
	test('ends the loop with what it throws, and no attempt follows', async () => {
		using clock = manualClock()
		const { fetch } = server()
		fetch.isOffline = true
		const error = (error: SseError) => {
			throw error
		}
		expect(await linesOf(read(url, { fetch, error }))).toEqual([
			expect.stringMatching(/^!network /)
		])
		expect(clock.timers).toBe(0)
	})

	test('does not hear of the error that the loop throws', async () => {
		const fetch = memoryFetch(() => new Response('', { status: 404 }))
		const errors: unknown[] = []
		const lines = await linesOf(read(url, { fetch, error: (error) => void errors.push(error) }))
		expect([lines, errors]).toEqual([[expect.stringMatching(/^!response /)], []])
	})
})

describe('time', () => {
	test('for a response is limited by `connectTimeout`', async () => {
		using clock = manualClock()
		const fetch = memoryFetch(() => new Promise<Response>(() => {}))
		const log = new Log(read(url, { fetch, connectTimeout: 2_000, reconnect: false }))
		await clock.advance(1_999)
		expect(log.lines).toEqual([])
		await clock.advance(1)
		await log.done
		expect(log.lines).toEqual([expect.stringMatching(/^!timeout No response within /)])
	})

	test('of silence is 2.5 times the announced ping, or what `watchdog` says', async () => {
		using clock = manualClock()
		const silent = memoryFetch(() =>
			foreign(': sveltekit-sse/1 hello ping=1000\n\n', { ends: false })
		)
		const log = new Log(read(url, { fetch: silent, reconnect: false }))
		await clock.advance(2_500)
		await log.done
		expect(log.lines).toEqual([expect.stringMatching(/^!silent /)])
		const own = new Log(read(url, { fetch: silent, watchdog: 700, reconnect: false }))
		await clock.advance(700)
		await own.done
		expect(own.lines).toEqual([expect.stringMatching(/^!silent /)])
		const patient = read(url, { fetch: silent, watchdog: false })
		const waiting = patient.next()
		await clock.advance(3_600_000)
		expect([silent.open, clock.timers]).toEqual([1, 0])
		await patient.return()
		await waiting
	})

	test('in which the machine slept does not cut a connection that lives', async () => {
		using clock = manualClock()
		const { fetch, last } = server({ ping: 1_000 })
		const log = new Log(read(url, { fetch }))
		await flushPromises()
		await clock.sleep(60_000)
		last().emit('n', 1)
		await clock.advance(1_900)
		last().close()
		await log.done
		expect([log.lines, fetch.requests.length]).toEqual([['n:1', 'over'], 1])
	})
})
