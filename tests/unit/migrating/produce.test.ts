import { error } from '@sveltejs/kit'
import { describe, expect, onTestFinished, vi } from 'vitest'
import { produce as produceBefore } from 'sveltekit-sse-0.14'
import type { Connection, OnCancel, ProducePayload } from '../../../src/lib/source/deprecated.js'
import { drain } from '../../../src/lib/produce/drain.js'
import { produce as produceNow } from '../../../src/lib/produce/produce.js'
import type { ProducerConnection } from '../../../src/lib/produce/types.js'
import { test } from '../produce/fixture.js'

// What docs/migrating.md says of `produce`: the real 0.14.3 beside this library. The name in brackets is that of the row.

/** By the types of 0.14. Its own can be read with a bundler's resolution only. */
type Before = (
	start: (connection: Connection) => void | OnCancel | Promise<void | OnCancel>,
	options?: ProducePayload
) => Response
const both: Record<'before' | 'now', Before> = { before: produceBefore, now: produceNow }

/** What a stream of each sends, as text, until it ends or `enough` of it has come. */
async function text(response: Response, enough = (_: string) => false): Promise<string> {
	const decoder = new TextDecoder()
	let got = ''
	for await (const chunk of response.body!) {
		got += decoder.decode(chunk, { stream: true })
		if (enough(got)) break
	}
	return got
}

/** Runs the same with both, and gives what came of each. */
async function compare<T>(
	run: (produce: Before) => T | Promise<T>
): Promise<{ before: Awaited<T>; now: Awaited<T> }> {
	return { before: await run(both.before), now: await run(both.now) }
}

/** A stream that is ended at once, and what `run` emitted. */
const sent = (run: (emit: ProducerConnection['emit']) => void) =>
	compare((produce) =>
		text(
			produce(({ emit, lock }) => {
				run(emit as never)
				lock.set(false)
			})
		)
	)

const hello = ':sveltekit-sse/1 hello ping=30000\n\n'
const done = ':sveltekit-sse/1 close done\n\n'

/** Rejections that nobody caught, which end a process of Node's. */
function uncaught(): unknown[] {
	const found: unknown[] = []
	const listeners = process.listeners('unhandledRejection')
	process.removeAllListeners('unhandledRejection')
	process.on('unhandledRejection', (thrown) => found.push(thrown))
	onTestFinished(() => {
		process.removeAllListeners('unhandledRejection')
		for (const listener of listeners) process.on('unhandledRejection', listener)
	})
	return found
}

/** Rejections are told one task after they came to be. */
const nextTask = () => new Promise((resolve) => setImmediate(resolve))

describe('on the wire', () => {
	test('[heartbeat] a heartbeat is a comment, where it was an event', async () => {
		const { before, now } = await compare((produce) =>
			text(
				produce(() => {}, { ping: 20 }),
				(got) => /ping\ndata|\n:\n/.test(got)
			)
		)
		expect(before).toContain('event: ping\ndata: \n')
		expect(now).toBe(`${hello.replace('30000', '20')}:\n\n`)
	})

	test('[first-frame] a stream begins with a comment, and ends with one', async () => {
		expect(await sent(() => {})).toEqual({ before: '', now: hello + done })
	})

	test('[event-ids] an event carries an id only if one was given', async () => {
		expect(await sent((emit) => void emit('message', 'a'))).toEqual({
			before: 'id: 1\nevent: message\ndata: a\n\n',
			now: `${hello}event: message\ndata: a\n\n${done}`
		})
	})

	test('[carriage-return] a carriage return in data is a line end', async () => {
		const { before, now } = await sent((emit) => void emit('message', 'a\revent: forged'))
		expect(before).toContain('data: a\revent: forged\n')
		expect(now).toContain('data: a\ndata: event: forged\n')
	})

	test('[response-headers] the headers that a stream needs are set in any case', async () => {
		const headers = (response: Response) => ({
			...Object.fromEntries(response.headers),
			body: void response.body?.cancel()
		})
		const given = { 'Cache-Control': 'max-age=5', 'x-app': '1' }
		const { before, now } = await compare((produce) =>
			headers(produce(() => {}, { headers: given }))
		)
		expect(before).toEqual({
			'cache-control': 'max-age=5',
			connection: 'keep-alive',
			'content-type': 'text/event-stream',
			'x-app': '1'
		})
		expect(now).toEqual({
			'cache-control': 'private, no-store, no-transform',
			'content-type': 'text/event-stream',
			'sveltekit-sse': '1; ping=30000',
			'x-accel-buffering': 'no',
			'x-app': '1'
		})
	})
})

describe('emit', () => {
	test('[emit-json] sends what is no string as JSON, where it returned an error', async () => {
		const { before, now } = await sent((emit) => void emit('message', { a: 1 }))
		expect(before).toBe('')
		expect(now).toContain('data: {"a":1}\n')
	})

	test('[emit-error] returns an `SseError`, and never null as the value', async () => {
		const { before, now } = await compare(
			(produce) =>
				new Promise<unknown[]>((resolve) => {
					void produce(({ emit, lock }) => {
						lock.set(false)
						// 0.14 takes the stream for closed once `start` has returned.
						setImmediate(() => {
							const { value, error } = emit('message', 'a')
							resolve([value, error && error.name, error && error.message])
						})
					})
				})
		)
		expect(before).toEqual([null, 'Error', 'Client disconnected from the stream.'])
		expect(now).toEqual([undefined, 'SseError', expect.stringContaining('ended')])
	})

	test('[emit-after-unlock] fails from the next statement on', async () => {
		const results = await compare(
			(produce) =>
				new Promise((resolve) => {
					void produce(({ emit, lock }) => {
						lock.set(false)
						resolve(!emit('message', 'late').error)
					}).body!.cancel()
				})
		)
		expect(results).toEqual({ before: true, now: false })
	})

	test('[emit-names] refuses names that the client could not tell', async () => {
		const { before, now } = await compare(
			(produce) =>
				new Promise<boolean[]>((resolve) => {
					void produce(({ emit }) =>
						resolve(['', 'a\rb', 'a\0b', 'a\nb'].map((name) => !!emit(name, 'x').error))
					).body!.cancel()
				})
		)
		expect(before).toEqual([false, false, false, true])
		expect(now).toEqual([true, true, true, true])
	})
})

describe('start and stop', () => {
	test('[start-rejects] a start that rejects ends its stream, and ends no process', async () => {
		const rejections = uncaught()
		const log = vi.spyOn(console, 'error').mockImplementation(() => {})
		const failure = new Error('from start')
		const open = both.before(async () => {
			throw failure
		})
		await nextTask()
		expect(rejections).toEqual([failure])
		const got = await text(
			both.now(async () => {
				throw failure
			})
		)
		await nextTask()
		expect(got).toBe(`${hello}:sveltekit-sse/1 close error\n\n`)
		expect([rejections.length, log.mock.calls]).toEqual([1, [[failure]]])
		log.mockRestore()
		// 0.14 waits for `start` once more when the client leaves.
		await open.body!.cancel()
		await nextTask()
	})

	test('[start-throws] a start that throws is reported', async () => {
		const log = vi.spyOn(console, 'error').mockImplementation(() => {})
		const failure = new Error('from start')
		const run = (produce: Before) =>
			text(
				produce(() => {
					throw failure
				})
			).catch((thrown: unknown) => thrown)
		expect(await run(both.before)).toBe(failure)
		expect(log).not.toHaveBeenCalled()
		expect(await run(both.now)).toBe(`${hello}:sveltekit-sse/1 close error\n\n`)
		expect(log.mock.calls).toEqual([[failure]])
		log.mockRestore()
	})

	test('[start-answers] what `error()` throws in start is the response', async () => {
		const run = (produce: Before) => {
			try {
				const response = produce(() => error(404, 'no such room'))
				response.body!.cancel().catch(() => {})
				return response.status
			} catch (thrown) {
				return thrown
			}
		}
		expect(await compare(run)).toEqual({
			before: 200,
			now: expect.objectContaining({ status: 404, body: { message: 'no such room' } })
		})
	})

	test('[start-iterable] an async generator as start is run, and ends its stream', async () => {
		async function* start() {
			yield { data: 'a' }
		}
		const before = both.before(start as never)
		await before.body!.cancel()
		expect(await text(both.now(start as never))).toContain('data: a\n')
	})

	test('[stop-throws] a stop that throws is reported, and ends no process', async () => {
		const rejections = uncaught()
		const log = vi.spyOn(console, 'error').mockImplementation(() => {})
		const failure = new Error('from stop')
		const run = (produce: Before) =>
			text(
				produce(({ lock }) => lock.set(false), {
					stop() {
						throw failure
					}
				})
			)
		await run(both.before)
		await nextTask()
		expect([rejections, log.mock.calls]).toEqual([[failure], []])
		await run(both.now)
		await nextTask()
		expect([rejections.length, log.mock.calls]).toEqual([1, [[failure]]])
		log.mockRestore()
	})

	test('[stop-reason] stop is told the reason, as a second argument', async () => {
		const { before, now } = await compare(async (produce) => {
			const told: unknown[] = []
			const stop = (...all: unknown[]) => void told.push(all.length, all[1])
			await text(produce(({ lock }) => lock.set(false), { stop: stop as never }))
			return told
		})
		expect(before).toEqual([1, undefined])
		expect(now).toEqual([2, 'done'])
	})

	test('[stop-order] the function that start returned does not wait for `stop`', async () => {
		const { before, now } = await compare(async (produce) => {
			const ran: string[] = []
			const stopping = Promise.withResolvers<void>()
			const response = produce(() => () => void ran.push('returned'), {
				stop: () => (ran.push('stop'), stopping.promise)
			})
			await response.body!.cancel()
			await nextTask()
			ran.push('stopped')
			stopping.resolve()
			await nextTask()
			return ran
		})
		expect(before).toEqual(['stop', 'stopped', 'returned'])
		expect(now).toEqual(['stop', 'returned', 'stopped'])
	})
})

describe('what a stream may cost', () => {
	test('[slow-client] a client that does not read is kept 16 MiB, not everything', async () => {
		const megabyte = 'x'.repeat(1024 * 1024)
		const { before, now } = await compare((produce) => {
			let taken = 0
			const response = produce(({ emit }) => {
				while (taken < 20 && !emit('message', megabyte).error) taken++
			})
			return response.body!.cancel().then(() => taken)
		})
		expect(before).toBe(20)
		expect(now).toBeLessThan(17)
	})

	test('[unread] a response that nobody begins to read ends after 30 s', async ({ clock }) => {
		const stopped: string[] = []
		const open = both.before(() => {}, { stop: () => void stopped.push('before') })
		both.now(() => {}, { stop: () => void stopped.push('now') })
		await clock.advance(30_000)
		expect(stopped).toEqual(['now'])
		await open.body!.cancel()
	})

	test('[drain] a process that ends, ends its streams', async () => {
		const stopped: string[] = []
		const open = both.before(() => {}, { stop: () => void stopped.push('before') })
		const read = text(both.now(() => {}, { stop: () => void stopped.push('now') }))
		// What SIGTERM does.
		await drain()
		expect(await read).toContain('close restart')
		expect(stopped).toEqual(['now'])
		await open.body!.cancel()
	})

	test('[produce-checks] an option that cannot work is refused', async () => {
		const { before, now } = await compare((produce) => {
			try {
				void produce(() => {}, { ping: 0 }).body!.cancel()
				return 'taken'
			} catch (thrown) {
				return (thrown as Error & { code: string }).code
			}
		})
		expect({ before, now }).toEqual({ before: 'taken', now: 'invalid-argument' })
	})
})

describe('as before', () => {
	test('events that are emitted in start, before `lock.set(false)`, arrive', async () => {
		const { before, now } = await sent((emit) => void emit('message', 'a\nb'))
		expect(before).toContain('data: a\ndata: b\n')
		expect(now).toContain('data: a\ndata: b\n')
	})

	test('a client that leaves runs stop, and then the function that start returned', async () => {
		const { before, now } = await compare(async (produce) => {
			const ran: string[] = []
			const response = produce(() => () => void ran.push('returned'), {
				stop: () => void ran.push('stop')
			})
			await response.body!.cancel()
			await nextTask()
			return ran
		})
		expect(before).toEqual(['stop', 'returned'])
		expect(now).toEqual(before)
	})

	test('start runs at once, and the lock tells that the client has left', async () => {
		const { before, now } = await compare(async (produce) => {
			const told: unknown[] = []
			const response = produce(({ lock }) => void lock.subscribe((locked) => told.push(locked)))
			told.push('produced')
			await response.body!.cancel()
			return told
		})
		expect(before).toEqual([true, 'produced', false])
		expect(now).toEqual(before)
	})
})
