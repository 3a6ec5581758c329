import { describe, expect } from 'vitest'
import { environment } from '../../../src/lib/environment.js'
import { flushPromises } from '../../../src/lib/testing/flush-promises.js'
import { listen, test } from './fixture.js'

describe('reading', () => {
	test('opens one request, and closes it after the linger', async ({
		connect,
		requests,
		clock
	}) => {
		const { connection } = connect({ linger: 1_000 })
		const readers = ['a', 'b'].map((name) => listen(connection.select(name)))
		await flushPromises()
		await requests.last.hello()
		for (const { stop } of readers) stop()
		await clock.advance(999)
		expect(connection.status).toBe('open')
		await clock.advance(1)
		expect([connection.status, requests.last.isAborted, requests.count]).toEqual(['idle', true, 1])
	})

	test('that is taken over within the linger does not reconnect, and loses nothing', async ({
		connect,
		requests,
		clock
	}) => {
		const { connection } = connect()
		const sum = connection.select('message').scan((sum, text) => sum + text, '')
		let stop = sum.subscribe(() => {})
		await flushPromises()
		await requests.last.hello()
		for (const text of ['a', 'b', 'c']) {
			stop()
			await clock.advance(50)
			await requests.last.write(`data: ${text}\n\n`)
			await clock.advance(49)
			stop = sum.subscribe(() => {})
		}
		expect(sum.current).toBe('abc')
		expect(requests.count).toBe(1)
	})

	// Toggling a reader made a request each time.
	test('lingers while there is no response too', async ({ connect, requests, clock }) => {
		const { connection } = connect()
		for (let round = 0; round < 30; round++) {
			const { stop } = listen(connection.select('message'))
			await clock.advance(10)
			stop()
			await clock.advance(10)
		}
		expect(requests.count).toBe(1)
		expect(requests.last.isAborted).toBe(false)
		await clock.advance(100)
		expect(requests.last.isAborted).toBe(true)
	})

	test('that ends in the same breath makes no request', async ({ connect, requests }) => {
		const { connection } = connect()
		listen(connection.select('message')).stop()
		await flushPromises()
		expect(requests.count).toBe(0)
		expect(connection.status).toBe('idle')
	})

	test('resumes where it stopped', async ({ connect, requests, clock }) => {
		const { connection } = connect()
		const { stop } = listen(connection.select('message'))
		await flushPromises()
		await requests.last.hello(30_000, 'id: 3\ndata: a\n\n')
		stop()
		await clock.advance(100)
		listen(connection.select('message'))
		await flushPromises()
		expect(requests.all.map(({ lastEventId }) => lastEventId)).toEqual([null, '3'])
	})

	test('of status and error holds nothing', async ({ connect, requests }) => {
		const { connection } = connect()
		const { status, error, attempt, retryAt, lastEventAt, lastEventId } = connection
		await flushPromises()
		expect({ status, error, attempt, retryAt, lastEventAt, lastEventId }).toEqual({
			status: 'idle',
			error: undefined,
			attempt: 0,
			retryAt: undefined,
			lastEventAt: undefined,
			lastEventId: undefined
		})
		expect(requests.count).toBe(0)
	})

	// sse#43: open, close, open, close: all effective.
	test('may be ended and begun any number of times', async ({ connect, requests }) => {
		const { connection } = connect()
		for (let round = 1; round <= 3; round++) {
			connection.connect()
			await flushPromises()
			await requests.last.hello()
			expect([connection.status, requests.count]).toEqual(['open', round])
			connection.close()
			expect([connection.status, requests.active]).toEqual(['closed', []])
		}
	})
})

describe('connect()', () => {
	test('holds the link without a reader, and past the last one', async ({
		connect,
		requests,
		clock
	}) => {
		const { connection } = connect()
		connection.connect()
		await flushPromises()
		await requests.last.hello(0)
		listen(connection.select('message')).stop()
		await clock.advance(60_000)
		expect(connection.status).toBe('open')
	})

	test('brings readers back after close()', async ({ connect, requests }) => {
		const { connection } = connect()
		const { got } = listen(connection.select('message'))
		await flushPromises()
		await requests.last.hello()
		connection.close()
		connection.connect()
		await flushPromises()
		await requests.last.hello(30_000, 'data: a\n\n')
		expect(got).toEqual(['a'])
	})
})

describe('close()', () => {
	test('is undone by the next reader, whoever reads already', async ({ connect, requests }) => {
		const { connection } = connect()
		const first = listen(connection.select('message'))
		await flushPromises()
		await requests.last.hello()
		connection.close()
		expect(connection.status).toBe('closed')
		const later = listen(connection.select('other'))
		expect(connection.status).toBe('connecting')
		await flushPromises()
		await requests.last.hello(30_000, 'data: a\n\nevent: other\ndata: b\n\n')
		expect([first.got, later.got]).toEqual([['a'], ['b']])
	})

	// The channel that lingered kept a page that came after it from opening the connection.
	for (const end of ['close()', '`done`'])
		for (const when of ['before', 'after'])
			test(`leaves nothing that lingers: left ${when} ${end}`, async ({
				connect,
				requests,
				clock
			}) => {
				const { connection } = connect({ linger: 60_000 })
				const one = connection.select('one').transform((data) => data)
				for (const next of [one, connection.select('two')]) {
					const { stop } = listen(one)
					await clock.advance(1_000)
					await requests.last.hello(0)
					if (when === 'before') stop()
					if (end === 'close()') connection.close()
					else await requests.last.goodbye('done')
					if (when === 'after') stop()
					expect([connection.status, clock.timers]).toEqual(['closed', 0])
					const later = listen<string>(next)
					expect(connection.status).not.toBe('closed')
					later.stop()
				}
			})

	test('leaves no timer of a `connect()` that was released before', async ({ connect, clock }) => {
		const { connection } = connect({ linger: 60_000 })
		const release = connection.connect()
		await flushPromises()
		release()
		await flushPromises()
		connection.close()
		expect([connection.status, clock.timers]).toEqual(['closed', 0])
	})

	test('by `using` ends the connection with its block', async ({ connect, requests }) => {
		{
			using connection = connect().connection
			connection.connect()
			await flushPromises()
		}
		expect(requests.last.isAborted).toBe(true)
	})
})

describe("the user's signal", () => {
	test('ends the connection for good', async ({ connect, requests, clock }) => {
		const controller = new AbortController()
		const { connection, log } = connect({ signal: controller.signal })
		const { stop } = listen(connection.select('message'))
		await flushPromises()
		await requests.last.hello()
		controller.abort()
		expect(connection).toMatchObject({ status: 'closed', error: { code: 'aborted' } })
		expect(log).toEqual([
			'open accepted',
			'error aborted !aborted (local)',
			'close aborted !aborted (local)'
		])
		stop()
		connection.connect()
		listen(connection.select('message'))
		await clock.advance(60_000)
		expect([connection.status, requests.count]).toEqual(['closed', 1])
	})

	test('ends a wait for the next attempt too', async ({ connect, requests, clock }) => {
		const controller = new AbortController()
		const { connection } = connect({ options: { signal: controller.signal } })
		connection.connect()
		await flushPromises()
		await requests.last.fail()
		controller.abort()
		await clock.advance(60_000)
		expect([connection.status, requests.count, clock.timers]).toEqual(['closed', 1, 0])
	})

	test('that was aborted before opens nothing', async ({ connect, requests }) => {
		const { connection, log } = connect({
			signal: AbortSignal.abort('mine'),
			close: ({ connect }) => connect()
		})
		connection.connect()
		await flushPromises()
		expect([connection.status, requests.count]).toEqual(['closed', 0])
		expect(log).toEqual(['error aborted !aborted (local)', 'close aborted !aborted (local)'])
		expect(connection.error).toMatchObject({ code: 'aborted', cause: 'mine' })
	})

	// Who read anew was told of a stream that was over, and the error was gone.
	test('stays the reason for who reads later', async ({ connect, requests }) => {
		const controller = new AbortController()
		const { connection, log } = connect({ signal: controller.signal })
		connection.connect()
		await flushPromises()
		await requests.last.hello()
		controller.abort()
		const told = log.length
		await expect(connection.select('message').next()).rejects.toMatchObject({ code: 'aborted' })
		const loop = connection.select('message')[Symbol.asyncIterator]()
		await expect(loop.next()).rejects.toMatchObject({ code: 'aborted' })
		expect(connection.error?.code).toBe('aborted')
		expect(log).toHaveLength(told)
	})

	test('ends only its own handle', async ({ connect, requests }) => {
		const controller = new AbortController()
		const first = connect({ signal: controller.signal })
		const second = connect()
		first.connection.connect()
		second.connection.connect()
		await flushPromises()
		await requests.last.hello()
		controller.abort()
		expect([first.connection.status, second.connection.status, requests.active.length]).toEqual([
			'closed',
			'open',
			1
		])
	})
})

describe('a `from` function', () => {
	test('is asked when the connection opens, not before', async ({ connect, requests }) => {
		let id = 1
		const { connection } = connect({}, () => `/events?id=${id}`)
		id = 2
		connection.connect()
		await flushPromises()
		expect(requests.last.url).toBe('http://app.test/events?id=2')
	})

	test('that gives another URL is another stream: no id, no value of the old', async ({
		connect,
		requests
	}) => {
		let id = 1
		const { connection } = connect({ lastEventId: '9' }, () => `/events?id=${id}`)
		const channel = connection.select('message')
		listen(channel)
		await flushPromises()
		await requests.last.hello(30_000, 'id: 10\ndata: old\n\n')
		connection.close()
		id = 2
		connection.connect()
		expect(channel.current).toBe('')
		await flushPromises()
		// The start value is for the first URL; it used to go to the second too.
		expect(requests.all.map(({ lastEventId }) => lastEventId)).toEqual(['9', null])
	})

	// It said `idle` as soon as the reader left.
	test('that gives no URL yet leaves what was closed closed', async ({ connect }) => {
		const { connection } = connect({}, () => null)
		const { stop } = listen(connection.select('message'))
		expect(connection.status).toBe('idle')
		connection.close()
		stop()
		await flushPromises()
		expect(connection.status).toBe('closed')
	})

	test('that throws closes the connection; the next to connect asks it again', async ({
		connect,
		requests
	}) => {
		let isReady = false
		const { connection, log } = connect({}, () => {
			if (!isReady) throw new Error('not yet')
			return '/events'
		})
		connection.connect()
		await flushPromises()
		expect(log).toEqual(['error request !invalid-url', 'close request !invalid-url'])
		isReady = true
		connection.connect()
		await flushPromises()
		expect(requests.last.url).toBe('http://app.test/events')
	})
})

describe('on a server that renders pages', () => {
	test('nothing is opened, and channels show what they start with', async ({
		connect,
		requests
	}) => {
		environment.isClient = false
		const { connection } = connect({ initial: { price: '5' } })
		const channel = connection.select('price')
		listen(channel)
		connection.connect()
		await flushPromises()
		expect([channel.current, connection.status, requests.count]).toEqual(['5', 'idle', 0])
		await expect(channel.next()).rejects.toMatchObject({ code: 'closed' })
		await expect(channel[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'closed' })
	})
})
