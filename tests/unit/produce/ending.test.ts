import { error } from '@sveltejs/kit'
import { get, writable } from 'svelte/store'
import { describe, expect, vi } from 'vitest'
import { SseError, type CloseReason } from '../../../src/lib/errors.js'
import { drain } from '../../../src/lib/produce/drain.js'
import { produce } from '../../../src/lib/produce/produce.js'
import type { ProduceOptions, Start, Stop } from '../../../src/lib/produce/types.js'
import { flushPromises } from '../../../src/lib/testing/flush-promises.js'
import type { ManualClock } from '../../../src/lib/testing/manual-clock.js'
import { gate, Produced, test } from './fixture.js'

interface Ending {
	options?: ProduceOptions
	end(produced: Produced, tools: { abort: AbortController; clock: ManualClock }): unknown
	reason: string
}

/** Every way in which a stream ends. */
const endings: Record<string, Ending> = {
	'lock.set(false)': { end: ({ connection }) => connection.lock.set(false), reason: 'done' },
	'close()': { end: ({ connection }) => connection.close(), reason: 'done' },
	'close(denied)': { end: ({ connection }) => connection.close('denied'), reason: 'denied' },
	'the client leaving': { end: ({ response }) => response.body!.cancel(), reason: 'gone' },
	'the request’s signal': { end: (_, { abort }) => abort.abort(), reason: 'gone' },
	'a full buffer': {
		options: { maxBuffer: 500 },
		end: ({ connection }) => {
			while (!connection.emit('a', 'x'.repeat(100)).error);
		},
		reason: 'slow'
	},
	'its time limit': {
		options: { maxDuration: 1_000 },
		end: (_, { clock }) => clock.advance(1_000),
		reason: 'rotate'
	},
	'a drain': {
		end: (_, { clock }) => {
			void drain()
			return clock.advance(1_000)
		},
		reason: 'restart'
	}
}

describe.for(Object.entries(endings))('%s', ([, { options, end, reason }]) => {
	const begin = (open: (options?: ProduceOptions, start?: Start) => Produced, start?: Start) => {
		const abort = new AbortController()
		const request = new Request('http://test', { signal: abort.signal })
		return { abort, produced: open({ request, maxDuration: 60_000, ...options }, start) }
	}

	test('runs both stop functions once, and aborts the signal', async ({ open, clock }) => {
		const returned: unknown[] = []
		const { produced, abort } = begin(open, () => (source, reason) => {
			returned.push([source === produced.connection.source, reason])
		})
		const { connection, stops, response } = produced
		let aborted = 0
		connection.signal.addEventListener('abort', () => aborted++)
		await end(produced, { abort, clock })
		// Whatever comes afterwards.
		connection.lock.set(false)
		connection.lock.set(true)
		connection.close('error')
		abort.abort()
		await response.body!.cancel()
		await clock.advance(60_000)
		expect({ stops, returned, aborted, lock: get(connection.lock) }).toEqual({
			stops: [['stop', reason]],
			returned: [[true, reason]],
			aborted: 1,
			lock: false
		})
		expect(connection.signal.reason).toMatchObject({
			name: 'SseError',
			code: 'closed',
			reason: reason === 'gone' ? undefined : reason
		})
	})

	// sse#58: the stop option waited for a `start` that never came back.
	test('runs stop while start is still running, and what it returns when it comes', async ({
		open,
		clock
	}) => {
		const started = gate<() => void>()
		const late = vi.fn()
		const { produced, abort } = begin(open, () => started.promise)
		await end(produced, { abort, clock })
		expect(produced.stops).toEqual([['stop', reason]])
		started.resolve(late)
		await flushPromises()
		expect(late.mock.calls).toEqual([[produced.connection.source, reason]])
		expect(produced.stops).toEqual([['stop', reason]])
	})

	test('leaves no timer, and no listener on the request', async ({ open, clock }) => {
		const abort = new AbortController()
		const listen = vi.spyOn(abort.signal, 'addEventListener')
		const forget = vi.spyOn(abort.signal, 'removeEventListener')
		const produced = open({
			request: { signal: abort.signal, headers: new Headers() } as Request,
			maxDuration: 60_000,
			...options
		})
		await end(produced, { abort, clock })
		await produced.response.body!.cancel()
		await clock.advance(0)
		expect(forget.mock.calls).toEqual(listen.mock.calls)
		expect([listen.mock.calls.length, clock.timers]).toEqual([1, 0])
	})

	test('ends the body, with the reason when there is someone to read it', async ({
		open,
		clock
	}) => {
		const { produced, abort } = begin(open)
		if (reason === 'gone') {
			// Whoever pumps the body would wait for ever, where nobody cancels it.
			const log = produced.read()
			abort.abort()
			expect(await log.ended).toEqual([{ hello: 30_000 }])
			return
		}
		await end(produced, { abort, clock })
		expect((await produced.read().ended).at(-1)).toEqual({ close: reason })
	})
})

describe('start', () => {
	test('may end its stream and still return a stop function', ({ open }) => {
		const returned: string[] = []
		const { stops } = open({}, ({ lock }) => {
			lock.set(false)
			return (_, reason) => void returned.push(reason)
		})
		expect([stops, returned]).toEqual([[['stop', 'done']], ['done']])
	})

	// sse#62: `cancelInline is not a function`.
	test.for([
		undefined,
		null,
		1,
		'',
		'text',
		{},
		[],
		Symbol('s'),
		{ then: 1 },
		new Promise(() => {})
	])('may return anything: %o keeps the stream open', async (returned, { open }) => {
		const { connection, errors, read } = bound(open({}, () => returned as never))
		await flushPromises()
		expect(connection.emit('a', 'x').error).toBe(false)
		connection.close()
		expect((await read().ended).at(-1)).toEqual({ close: 'done' })
		expect(errors).toEqual([])
	})

	// sse#23: a `start` that returned ended its stream, and the process died of the next emit.
	test('that returns leaves the stream open', async ({ open }) => {
		const { connection, read } = bound(open({}, async ({ emit }) => void emit('a', '1')))
		await flushPromises()
		expect(connection.emit('a', '2').error).toBe(false)
		connection.lock.set(false)
		expect((await read().ended).slice(1)).toEqual([
			{ event: 'a', data: '1' },
			{ event: 'a', data: '2' },
			{ close: 'done' }
		])
	})

	test('runs also for a request that gets no body, and learns it at once', ({ open }) => {
		const request = new Request('http://test', { method: 'HEAD' })
		const seen: unknown[] = []
		const produced = open({ request }, ({ emit, signal, lock }) => {
			seen.push(emit('a', 'x').error, signal.aborted, get(lock))
			return (_, reason) => void seen.push(reason)
		})
		expect(seen).toEqual([expect.any(SseError), true, false, 'gone'])
		expect(produced.stops).toEqual([['stop', 'gone']])
	})

	// What `start` put into a map was never taken out again by `stop`, which had run before it.
	test.for(['returns', 'throws', 'answers'])(
		'that %s runs before `stop` also for a request that gets no body',
		(how) => {
			const log: string[] = []
			const request = new Request('http://test', { method: 'HEAD' })
			const start = (): void => {
				log.push('start')
				if (how === 'throws') throw new Error('boom')
				if (how === 'answers') error(401, 'Sign in first')
			}
			const run = () =>
				produce(start, { request, stop: (_, why) => void log.push(why), error() {} })
			if (how === 'answers') expect(run).toThrow(expect.objectContaining({ status: 401 }))
			else run()
			expect(log).toEqual(['start', 'gone'])
		}
	)

	const failures: Record<string, Start> = {
		throws() {
			throw new Error('boom')
		},
		// 0.15 never caught this, and the process died of it.
		rejects: () => Promise.reject(new Error('boom')),
		'rejects later': async () => {
			await flushPromises()
			throw new Error('boom')
		},
		'returns a thenable that rejects': () =>
			({
				then: (_: unknown, reject: (error: Error) => void) => reject(new Error('boom'))
			}) as never,
		'returns a thenable that throws': () =>
			({
				then() {
					throw new Error('boom')
				}
			}) as never,
		'returns an iterable that throws': () => ({
			[Symbol.asyncIterator]() {
				throw new Error('boom')
			}
		})
	}

	test.for(Object.entries(failures))(
		'that %s ends the stream with `error`, after what it emitted, and is reported once',
		async ([, fail], { open }) => {
			const { errors, stops, read } = bound(
				open({}, (connection) => {
					connection.emit('a', 'before')
					return fail(connection)
				})
			)
			expect(await read().ended).toEqual([
				{ hello: 30_000 },
				{ event: 'a', data: 'before' },
				{ close: 'error' }
			])
			expect(errors).toMatchObject([{ message: 'boom' }])
			expect(stops).toEqual([['stop', 'error']])
		}
	)

	test.for<[unknown, string]>([
		['text', 'text'],
		[undefined, 'undefined'],
		[Symbol('s'), 'Symbol(s)'],
		[Object.create(null), 'unknown']
	])(
		'that throws %o is reported as an Error that keeps it',
		async ([thrown, message], { open }) => {
			const sync = open({}, () => {
				throw thrown
			})
			const late = open({}, () => Promise.reject(thrown))
			await flushPromises()
			for (const { errors } of [sync, late]) {
				expect(errors).toMatchObject([{ message }])
				expect((errors[0] as Error).cause).toBe(thrown)
			}
		}
	)

	test('that gives up because the stream ended is not reported', async ({ open }) => {
		const left = (reject: (connection: Produced['connection']) => Promise<never>) => {
			const produced: Produced = open({}, async ({ signal }) => {
				await new Promise((resolve) => signal.addEventListener('abort', resolve))
				return reject(produced.connection)
			})
			return produced
		}
		const all = [
			left(({ signal }) => Promise.reject(signal.reason)),
			left(({ emit }) => Promise.reject(emit('a', 'x').error)),
			left(() => Promise.reject(new DOMException('aborted', 'AbortError'))),
			left(() => Promise.reject(new Error('of its own'))),
			left(() => Promise.reject(Object.create(null)))
		]
		for (const { response } of all) await response.body!.cancel()
		await flushPromises()
		expect(all.map(({ errors, stops }) => [errors.map(String), stops])).toEqual([
			[[], [['stop', 'gone']]],
			[[], [['stop', 'gone']]],
			[[], [['stop', 'gone']]],
			[['Error: of its own'], [['stop', 'gone']]],
			[['Error: unknown'], [['stop', 'gone']]]
		])
	})
})

describe('what runs at the end', () => {
	test('may throw or reject: it is reported, and the rest runs', async ({ open }) => {
		const { connection, errors, stops } = open(
			{
				stop() {
					throw new Error('stop')
				}
			},
			() => async () => {
				throw new Error('returned')
			}
		)
		connection.close()
		await flushPromises()
		expect(stops).toEqual([['stop', 'done']])
		expect(errors.map(String)).toEqual(['Error: stop', 'Error: returned'])
	})

	// What it is given is the source, which can be cancelled; its queue was closed twice, and that reported as an error.
	test.for(Object.entries(endings))(
		'may cancel the source that it is given, more than once: %s',
		async ([, { options, end }], { open, clock }) => {
			const abort = new AbortController()
			const request = new Request('http://test', { signal: abort.signal })
			const stop: Stop = (source) => {
				for (let i = 0; i < 2; i++) void source.cancel?.()
			}
			const produced = open({ request, maxDuration: 60_000, ...options, stop })
			produced.connection.emit('a', 'x')
			await end(produced, { abort, clock })
			expect(produced.errors).toEqual([])
			await produced.read().ended
		}
	)

	test('may emit, close and lock again, in vain', ({ open }) => {
		const seen: unknown[] = []
		const { connection, stops } = open({
			stop() {
				seen.push(connection.emit('a', 'x').error)
				connection.close('error')
				connection.lock.set(false)
			}
		})
		connection.close()
		expect([seen, stops]).toEqual([[expect.any(SseError)], [['stop', 'done']]])
	})

	test('runs also when a subscriber of the lock throws', ({ open }) => {
		const { connection, stops, errors } = open()
		connection.lock.subscribe((locked) => {
			if (!locked) throw new Error('subscriber')
		})
		connection.close()
		expect([stops, errors.map(String)]).toEqual([[['stop', 'done']], ['Error: subscriber']])
	})

	test('is told to console.error when nobody listens, or the listener fails', async () => {
		const log = vi.spyOn(console, 'error').mockImplementation(() => {})
		const failing = (error?: (error: Error) => void) =>
			new Produced({ error }, () => {
				throw new Error('boom')
			})
		failing()
		failing(() => {
			throw new Error('listener')
		})
		failing(async () => {
			throw new Error('async listener')
		})
		await flushPromises()
		expect(log.mock.calls.map(([error]) => String(error))).toEqual([
			'Error: boom',
			'Error: listener',
			'Error: async listener'
		])
		log.mockRestore()
	})
})

describe('lock', () => {
	test('is a store that tells whether the stream is open', ({ open }) => {
		const { connection } = open()
		const seen: boolean[] = []
		const unsubscribe = connection.lock.subscribe((locked) => seen.push(locked))
		connection.lock.set(true)
		connection.lock.update((locked) => locked)
		expect(connection.emit('a', 'x').error).toBe(false)
		connection.lock.update((locked) => !locked)
		connection.lock.set(true)
		unsubscribe()
		expect([seen, get(connection.lock)]).toEqual([[true, false], false])
	})

	test('first looked at after the end tells that it is over', ({ open }) => {
		const { connection } = open()
		connection.close()
		expect([get(connection.lock), connection.signal.aborted]).toEqual([false, true])
	})

	// Svelte calls the subscribers of one store after those of another that is being set.
	test('ends the stream at once, also while another store is being set', ({ open }) => {
		const { connection } = open()
		const store = writable(0)
		const errors: unknown[] = []
		store.subscribe((value) => {
			if (value === 0) return
			connection.lock.set(false)
			errors.push(connection.emit('a', 'late').error)
		})
		store.set(1)
		expect(errors).toEqual([expect.any(SseError)])
	})

	test('that is let go sends what was emitted before', async ({ open }) => {
		const { connection, read } = bound(open({ ping: false }))
		for (let i = 0; i < 1_000; i++) connection.emit('n', i)
		connection.lock.set(false)
		const log = await read().ended
		expect(log).toEqual([
			{ hello: undefined },
			...Array.from({ length: 1_000 }, (_, i) => ({ event: 'n', data: String(i) })),
			{ close: 'done' }
		])
	})
})

describe('close', () => {
	const reasons: CloseReason[] = ['done', 'restart', 'rotate', 'slow', 'expired', 'denied', 'error']

	test.for(reasons)('tells the client %s, and when to come back', async (reason, { open }) => {
		const { connection, read, stops } = bound(open())
		connection.close(reason, { retry: 1_234 })
		expect(await read().ended).toEqual([{ hello: 30_000 }, { retry: 1_234 }, { close: reason }])
		expect(stops).toEqual([['stop', reason]])
	})

	test.for<[string, unknown[]]>([
		['a reason of its own', ['tired']],
		['gone, which is the client’s', ['gone']],
		['null', [null]],
		['an event', [new Event('abort')]],
		['a retry below 0', ['restart', { retry: -1 }]],
		['a retry that is not whole', ['restart', { retry: 1.5 }]],
		['a retry that is text', ['restart', { retry: '1000' }]]
	])('refuses %s and leaves the stream as it was', async ([, args], { open }) => {
		const { connection, read, stops } = bound(open())
		const close = connection.close as (...args: unknown[]) => void
		expect(() => close(...args)).toThrow(expect.objectContaining({ code: 'invalid-argument' }))
		expect([stops, connection.signal.aborted]).toEqual([[], false])
		expect(connection.emit('a', 'still open').error).toBe(false)
		connection.close()
		expect(await read().ended).toEqual([
			{ hello: 30_000 },
			{ event: 'a', data: 'still open' },
			{ close: 'done' }
		])
	})
})

describe('maxDuration', () => {
	test('ends streams at different times, a fifth early at most and never late', async ({
		open,
		clock
	}) => {
		const ended: number[] = []
		const streams = Array.from({ length: 200 }, () =>
			open({ maxDuration: 10_000, ping: false, stop: () => void ended.push(clock.now) })
		)
		await clock.advance(7_999)
		expect(ended).toEqual([])
		await clock.advance(2_001)
		expect(ended.length).toBe(200)
		expect(Math.max(...ended)).toBeLessThanOrEqual(10_000)
		expect(new Set(ended.map((at) => Math.floor(at / 200))).size).toBeGreaterThan(5)
		expect(await streams[0]!.read().ended).toEqual([{ hello: undefined }, { close: 'rotate' }])
	})
})

describe('a client that does not take the last bytes', () => {
	test('is cut off after half a minute', async ({ open, clock }) => {
		const { connection, chunks } = bound(open({ ping: false }))
		connection.emit('a', 'x')
		connection.close()
		await clock.advance(31_000)
		await expect(chunks()()).rejects.toMatchObject({ code: 'closed', reason: 'done' })
		expect([connection.buffered, clock.timers]).toEqual([0, 0])
	})

	// What was left to read was held for the whole time, and so was everything around the stream.
	test('and one that does costs nothing a second later', async ({ open, clock }) => {
		const { connection, read } = bound(open({ ping: false }))
		connection.emit('a', 'x')
		connection.close()
		await read().ended
		await clock.advance(1_000)
		expect([connection.buffered, clock.timers]).toEqual([0, 0])
	})
})

/** Methods that may be taken apart. */
function bound(produced: Produced) {
	const { connection, errors, stops } = produced
	return {
		connection,
		errors,
		stops,
		read: () => produced.read(),
		chunks: () => produced.chunks()
	}
}
