import { describe, expect, vi } from 'vitest'
import { flushPromises } from '../../../src/lib/testing/flush-promises.js'
import { collectGarbage } from '../../support/garbage.js'
import { gate, test } from './fixture.js'

type Item = { event?: string; data: unknown; id?: string; retry?: number }

describe('an async iterable', () => {
	test('is sent event by event; its end is the end of the stream', async ({ open }) => {
		const produced = open({}, async function* () {
			yield { data: 'unnamed' }
			yield { event: 'a', data: { b: 1 }, id: '7' }
			yield { event: 'a', data: '', retry: 5 }
		})
		expect(await produced.read().ended).toEqual([
			{ hello: 30_000 },
			{ event: 'message', data: 'unnamed' },
			{ id: '7' },
			{ event: 'a', data: '{"b":1}', id: '7' },
			{ retry: 5 },
			{ event: 'a', data: '' },
			{ close: 'done' }
		])
		expect([produced.stops, produced.errors]).toEqual([[['stop', 'done']], []])
	})

	test('may be promised, mixed with emit, and be a ReadableStream', async ({ open }) => {
		const produced = open({}, async ({ emit }) => {
			emit('a', 'first')
			await flushPromises()
			return new ReadableStream<{ data: string }>({
				start(controller) {
					for (const data of ['1', '2']) controller.enqueue({ data })
					controller.close()
				}
			}) as unknown as AsyncIterable<Item>
		})
		const log = produced.read()
		await log.ended
		expect(log.events).toEqual([
			['a', 'first'],
			['message', '1'],
			['message', '2']
		])
	})

	test('is asked no faster than the client reads', async ({ open }) => {
		const size = 1_000
		let asked = 0
		const produced = open({ maxBuffer: 40 * size }, async function* () {
			for (;;) yield { data: String(asked++).padEnd(size) }
		})
		await flushPromises()
		const ahead = asked
		expect(ahead).toBeLessThan(15)
		const log = produced.read()
		await log.count(500)
		log.leave()
		await log.ended
		expect(asked - log.events.length).toBeLessThan(20)
		expect(log.data.map((data) => parseInt(data))).toEqual(log.data.map((_, index) => index))
	})

	// Waiting for room has to wake up too, when the one who would make it leaves.
	test('that waits for room is returned when the client leaves', async ({ open }) => {
		const returned = vi.fn()
		const { response } = open({ maxBuffer: 4_000 }, async function* () {
			try {
				for (;;) yield { data: 'x'.repeat(500) }
			} finally {
				returned()
			}
		})
		await flushPromises()
		await response.body!.cancel()
		await flushPromises()
		expect(returned).toHaveBeenCalledOnce()
	})

	test('that waits at a yield is returned when the stream ends', async ({ open }) => {
		const returned = vi.fn()
		const { connection, response } = open({}, async function* ({ signal }) {
			try {
				yield { data: '1' }
				await new Promise((resolve) => signal.addEventListener('abort', resolve))
			} finally {
				returned()
			}
		})
		await flushPromises()
		connection.close()
		await flushPromises()
		expect(returned).toHaveBeenCalledOnce()
		await response.body!.cancel()
	})

	// A bare async iterable as a body never learns that the client left while it waits for its next value.
	test('that waits for its next value is returned when the client leaves', async ({ open }) => {
		const next = gate<IteratorResult<Item>>()
		const iterator = {
			next: vi.fn(() => next.promise),
			return: vi.fn(async () => ({ done: true as const, value: undefined }))
		}
		const produced = open({}, () => ({ [Symbol.asyncIterator]: () => iterator }))
		await flushPromises()
		await produced.response.body!.cancel()
		await flushPromises()
		expect([iterator.next.mock.calls.length, iterator.return.mock.calls.length]).toEqual([1, 1])
		// What comes too late, or fails too late, is nobody's any more.
		next.reject(new Error('late'))
		await flushPromises()
		expect([produced.errors, produced.stops]).toEqual([[], [['stop', 'gone']]])
	})

	test('that comes after the end is returned without being asked', async ({ open }) => {
		const started = gate<AsyncIterable<Item>>()
		const iterator = {
			next: vi.fn(),
			return: vi.fn(async () => ({ done: true as const, value: undefined }))
		}
		const { response, errors } = open({}, () => started.promise)
		await response.body!.cancel()
		started.resolve({ [Symbol.asyncIterator]: () => iterator as never })
		await flushPromises()
		expect([iterator.next.mock.calls.length, iterator.return.mock.calls.length]).toEqual([0, 1])
		expect(errors).toEqual([])
	})

	test('that throws ends the stream with `error`, after what it yielded', async ({ open }) => {
		const produced = open({}, async function* () {
			yield { data: '1' }
			throw new Error('boom')
		})
		expect(await produced.read().ended).toEqual([
			{ hello: 30_000 },
			{ event: 'message', data: '1' },
			{ close: 'error' }
		])
		expect(produced.errors.map(String)).toEqual(['Error: boom'])
	})

	test.for<[string, unknown, string]>([
		['data that cannot be sent', { data: undefined }, 'cannot be written as JSON'],
		['a name that cannot be sent', { event: 'a\n', data: '' }, 'without CR, LF and NUL'],
		['nothing', undefined, ''],
		['text alone', 'text', 'cannot be written as JSON']
	])('that yields %s is returned and ends with `error`', async ([, value, message], { open }) => {
		const returned = vi.fn()
		const produced = open({}, async function* () {
			try {
				yield { data: '1' }
				yield value as Item
				yield { data: 'never' }
			} finally {
				returned()
			}
		})
		const log = produced.read()
		expect((await log.ended).at(-1)).toEqual({ close: 'error' })
		await flushPromises()
		expect([log.data, returned.mock.calls.length]).toEqual([['1'], 1])
		expect(produced.errors.map(String)).toEqual([expect.stringContaining(message)])
	})

	test.for<[string, () => AsyncIterator<Item>['return']]>([
		[
			'throws',
			() => () => {
				throw new Error('clean-up')
			}
		],
		['rejects', () => () => Promise.reject(new Error('clean-up'))]
	])('whose clean-up %s is reported', async ([, makeReturn], { open }) => {
		const iterator = { next: () => new Promise<never>(() => {}), return: makeReturn() }
		const produced = open({}, () => ({ [Symbol.asyncIterator]: () => iterator }))
		await produced.response.body!.cancel()
		await flushPromises()
		expect(produced.errors.map(String)).toEqual(['Error: clean-up'])
	})

	test('may be the simplest there is', async ({ open }) => {
		const values: Item[] = [{ data: '1' }, { data: '2' }]
		const produced = open({}, () => ({
			[Symbol.asyncIterator]: () => ({
				next: () => ({ done: values.length === 0, value: values.shift()! }) as never
			})
		}))
		const log = produced.read()
		await log.ended
		expect(log.data).toEqual(['1', '2'])
	})

	// Racing each value against one promise for the end kept all of them until then.
	test('is not remembered: a long stream holds none of its values', async ({ open }) => {
		let collected = 0
		const registry = new FinalizationRegistry(() => collected++)
		const more = gate()
		const produced = open({}, async function* () {
			for (let i = 0; i < 1_000; i++) {
				const item = { data: { i } }
				registry.register(item, undefined)
				yield item
			}
			await more.promise
		})
		const log = produced.read()
		await log.count(1_000)
		await collectGarbage(() => collected >= 990)
		expect(collected).toBeGreaterThanOrEqual(990)
		more.resolve()
		await log.ended
	})
})
