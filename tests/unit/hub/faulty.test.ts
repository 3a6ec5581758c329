import { beforeEach, describe, expect, test, vi } from 'vitest'
import { defineEvents, SseError } from '../../../src/lib/index.js'
import type { Schema } from '../../../src/lib/contract/types.js'
import {
	Hub,
	memory,
	type Broker,
	type Entry,
	type HubOptions,
	type StreamOptions
} from '../../../src/lib/hub/index.js'
import { manualClock } from '../../../src/lib/testing/index.js'
import { createHub, joined, open, request, told } from './fixture.js'

// What is bad costs its own topic, stream or caller.

const reported = vi.spyOn(console, 'error').mockImplementation(() => {})
beforeEach(() => void reported.mockClear())

const code = (error: unknown) => (error as SseError).code

function schema(validate: (value: unknown) => unknown): Schema<unknown, unknown> {
	return { '~standard': { version: 1, vendor: 'test', validate: validate as never } }
}

describe.each(['', 'two\nlines', 'return\r'])('an entry that cannot be sent (%j)', (name) => {
	const bad = (topic: string): Entry => ({ topic, name, data: 'bad' })
	const good = (topic: string, data: string): Entry => ({ topic, name: 'n', data })

	test('is a gap of its own topic, and is reported; others in its tick are delivered', async () => {
		const broker = memory()
		const hub = createHub({ broker })
		const logs = ['own', 'other'].map((topic) => open(hub, topic))
		for (const log of logs) await joined(log)
		await broker.append([
			good('other', '0'),
			good('own', '0'),
			bad('own'),
			good('own', '1'),
			good('other', '1')
		])
		for (const log of logs) await log.count(2)
		expect(logs.map(told)).toEqual([
			['0', 'gap', '1'],
			['0', '1']
		])
		expect(reported).toHaveBeenCalledExactlyOnceWith(
			expect.objectContaining({ message: expect.stringContaining('"own"') })
		)
	})

	test.for([1_000, 1])('is a gap for those who resume over it (%i at hand)', async (events) => {
		const broker = memory()
		const hub = createHub({ broker, history: { events } })
		const before = await hub.cursor()
		await broker.append([good('own', '0'), bad('own'), good('own', '1'), good('other', '0')])
		const [own, other] = [open(hub, 'own', before), open(hub, 'other', before)]
		await own.count(2)
		await other.count(1)
		await joined(own)
		await hub.publish('own', 'n', '2')
		await own.count(3)
		expect([told(own), told(other)]).toEqual([['0', 'gap', '1', '2'], ['0']])
	})

	test('is not shown to those who ask for the latest, and is a gap of a loop', async () => {
		const broker = memory()
		const hub = createHub({ broker })
		const after = await hub.cursor()
		await broker.append([good('own', '0'), bad('own')])
		const head = await hub.cursor()
		for (const last of [true, 2]) {
			const log = open(hub, 'own', undefined, { last })
			await joined(log)
			expect(told(log)).toEqual(['0'])
		}
		const loop = hub.subscribe('own', { after })[Symbol.asyncIterator]()
		expect((await loop.next()).value).toMatchObject({ data: '0' })
		await expect(loop.next()).rejects.toMatchObject({ code: 'gap', cursor: head })
	})
})

test.for([
	['an engine that refuses to read', () => Promise.reject(new SseError('failed', 'refused'))],
	['an engine that reads nonsense', async () => ({ entries: [null as never], more: false })]
] as const)('%s ends a stream with `error`, and a loop', async ([, read]) => {
	const broker = memory()
	const hub = createHub({ broker, history: { events: 1 } })
	const after = await hub.cursor()
	for (let i = 0; i < 3; i++) await hub.publish('own', 'n', i)
	broker.read = read
	const log = open(hub, 'own', after)
	expect((await log.ended).at(-1)).toEqual({ close: 'error' })
	expect(reported).toHaveBeenCalledOnce()
	const loop = hub.subscribe('own', { after })[Symbol.asyncIterator]()
	await expect(loop.next()).rejects.toBeInstanceOf(Error)
	expect(hub.connections()).toBe(0)
})

describe('an event that the contract cannot read', () => {
	test.for(['parse', 'validation'])('is got past by its cursor (%s)', async (expected) => {
		const broker = memory()
		const positive = schema((value) =>
			(value as number) > 0 ? { value } : { issues: [{ message: 'not above 0' }] }
		)
		const hub = createHub({ broker, events: defineEvents({ n: positive }) })
		const after = await hub.cursor()
		const data = ['1', expected === 'parse' ? '{' : '-1', '2']
		await broker.append(data.map((data) => ({ topic: 't', name: 'n', data })))
		const seen: unknown[] = []
		let failure: unknown
		try {
			for await (const event of hub.subscribe('t', { after })) seen.push(event.data)
		} catch (error) {
			failure = error
		}
		expect(failure).toBeInstanceOf(SseError)
		const { code, cursor } = failure as SseError
		expect(code).toBe(expected)
		for await (const event of hub.subscribe('t', { after: cursor })) {
			seen.push(event.data)
			break
		}
		expect(seen).toEqual([1, 2])
	})

	test('because its schema hangs ends the loop in bounded time', async () => {
		using clock = manualClock()
		const broker = memory()
		const events = defineEvents({ n: schema(() => new Promise(() => {})) })
		const hub = createHub({ broker, events })
		const after = await hub.cursor()
		const [cursor] = await broker.append([{ topic: 't', name: 'n', data: '1' }])
		const next = hub.subscribe('t', { after })[Symbol.asyncIterator]().next()
		const failed = expect(next).rejects.toMatchObject({ code: 'validation', cursor })
		await clock.advance(5_000)
		await failed
	})
})

describe('a schema that hangs', () => {
	const events = defineEvents({
		hung: schema(() => new Promise(() => {})),
		slow: schema(async (value) => ({ value })),
		n: schema((value) => ({ value }))
	})

	test('holds up what is published to its own topic, in order, for a bounded time', async () => {
		using clock = manualClock()
		const hub = createHub({ events })
		const logs = ['own', 'other'].map((topic) => open(hub, topic))
		for (const log of logs) await joined(log)
		const outcomes: string[] = []
		const publish = (topic: string, name: 'hung' | 'slow' | 'n', data: unknown) =>
			hub
				.publish(topic, name, data)
				.then(({ error }) =>
					outcomes.push(`${topic} ${data as string} ${error ? code(error) : 'ok'}`)
				)
		const all = [publish('own', 'n', 0), publish('own', 'hung', 1), publish('own', 'slow', 2)]
		for (let i = 0; i < 20; i++) all.push(publish('own', i % 2 ? 'hung' : 'n', 3 + i))
		all.push(publish('other', 'slow', 0), publish('other', 'n', 1))
		await logs[1]!.count(2)
		expect(outcomes).toEqual(['own 0 ok', 'other 0 ok', 'other 1 ok'])
		// They hang at the same time, not one after the other.
		await clock.advance(5_000)
		await Promise.all(all)
		expect(outcomes.filter((outcome) => outcome.endsWith('validation'))).toHaveLength(11)
		await logs[0]!.count(12)
		expect(logs[0]!.data).toEqual([
			'0',
			'2',
			'3',
			'5',
			'7',
			'9',
			'11',
			'13',
			'15',
			'17',
			'19',
			'21'
		])
		expect(clock.timers).toBeLessThan(6)
	})

	test('holds up a disconnect of its topic, which does not overtake', async () => {
		using clock = manualClock()
		const hub = createHub({ events })
		const log = open(hub, 'own')
		await joined(log)
		void hub.publish('own', 'hung', 0)
		void hub.publish('own', 'n', 1)
		const ended = hub.disconnect('own')
		await clock.advance(5_000)
		expect((await ended).error).toBe(false)
		expect(log.data).toEqual(['1'])
		expect((await log.ended).at(-1)).toEqual({ close: 'done' })
	})
})

describe('bad input', () => {
	test('of `publish` and `disconnect` is returned, never thrown', async () => {
		// `event: n`, `data: ` and an empty line are 17 bytes.
		const hub = createHub({ maxEvent: 27 })
		const never = 1 as never
		expect(await hub.publish('t', 'n', 'x'.repeat(10))).toMatchObject({ error: false })
		const writes: [string, Promise<{ error: false | Error }>][] = [
			['too-large', hub.publish('t', 'n', 'x'.repeat(11))],
			['too-large', hub.publish('t', 'n', '…'.repeat(4))],
			['too-large', hub.publish('t', 'n', '\n\n')],
			['invalid-argument', hub.publish('t', 'n', 1, { except: never })],
			['invalid-argument', hub.publish('t', 'n', 1, { wait: NaN })],
			['invalid-argument', hub.publish('t', 'n', 1, { wait: -1 })],
			['invalid-argument', hub.publish('t', 'n', 1, { client: {} })],
			['invalid-argument', hub.publish('', 'n', 1)],
			['invalid-argument', hub.publish('t', '', 1)],
			['serialize', hub.publish('t', 'n', 1n)],
			['invalid-argument', hub.disconnect('')],
			['invalid-argument', hub.disconnect('t', 'bye' as never)],
			['invalid-argument', hub.disconnect('t', 'done', { wait: NaN })],
			['invalid-argument', hub.disconnect('t', 'done', { client: {} })]
		]
		for (const [expected, write] of writes) expect(code((await write).error)).toBe(expected)
		await hub.close()
		expect(code((await hub.publish('t', 'n', 1)).error)).toBe('closed')
		expect(code((await hub.disconnect('t')).error)).toBe('closed')
	})

	test('of a stream is thrown at the call, with the remedy', () => {
		const hub = createHub()
		const circular: Record<string, unknown> = {}
		circular.self = circular
		const refused: Partial<StreamOptions>[] = [
			{ member: { id: 'x', meta: circular } },
			{ member: { id: 'x', meta: 1n } },
			{ member: { id: '' } },
			{ member: { id: 'x', meta: 'x'.repeat(3_000) } },
			{ retry: 1.5 },
			{ retry: NaN }
		]
		for (const options of refused) {
			const stream = () => hub.stream('t', { ...options, request: request() })
			expect(stream).toThrow(SseError)
			expect(stream).toThrow(/must be/)
		}
		expect(hub.connections()).toBe(0)
	})

	test('of a hub is thrown when it is made', () => {
		const refused: HubOptions[] = [
			{ maxEvent: 0 },
			{ maxEvent: '1' as never },
			{ maxReplay: -1 },
			{ maxTopics: NaN },
			{ presence: { grace: -1 } },
			{ presence: { timeout: 0 } },
			{ history: { events: NaN } }
		]
		for (const options of refused) expect(() => new Hub(options)).toThrow(SseError)
	})

	test('a member is told as it was when it joined', async () => {
		const hub = createHub()
		const meta = { name: 'a' }
		const log = open(hub, 't', undefined, { member: { id: 'x', meta } })
		await joined(log)
		meta.name = 'b'
		expect(await hub.presence('t')).toEqual([{ id: 'x', meta: { name: 'a' } }])
	})
})

describe('a broker that is away', () => {
	/** One that has never been reached. */
	const unreached = (): Broker => ({
		append: () => Promise.reject(new SseError('network', 'away')),
		read: () => Promise.reject(new Error('away')),
		head: () => Promise.reject(new Error('away')),
		signal: () => Promise.reject(new Error('away')),
		tail: () => ({ cursor: undefined, close: async () => {} }),
		health: { status: 'down', since: new Date() },
		onHealth: () => () => {},
		close: async () => {}
	})

	test('is told by errors of the library, in bounded time', async () => {
		using clock = manualClock()
		const hub = createHub({ broker: unreached() })
		expect((await hub.publish('t', 'n', 1)).error).toMatchObject({ code: 'network' })
		expect((await hub.disconnect('t')).error).toMatchObject({ code: 'network' })
		await expect(hub.cursor()).rejects.toBeInstanceOf(SseError)
		const present = expect(hub.presence('t')).rejects.toMatchObject({ code: 'timeout' })
		await clock.advance(10_000)
		await present
		const closed = expect(hub.presence('t')).rejects.toMatchObject({ code: 'closed' })
		await hub.close()
		await closed
	})
})

test('what `start` returns may come to its end; the topics go on', async () => {
	const hub = createHub()
	const stop = vi.fn()
	const log = open(hub, 't', undefined, {
		stop,
		async *start() {
			yield { event: 'hello', data: 'a' }
			yield { event: 'hello', data: 'b' }
		}
	})
	await log.count(2)
	await joined(log)
	await hub.publish('t', 'n', 'c')
	await log.count(3)
	expect(log.data).toEqual(['a', 'b', 'c'])
	expect(stop).not.toHaveBeenCalled()
	log.leave()
})

test.for([0, 60, 1])(
	'an event of the largest size that is published reaches a client whole (lines of %i)',
	async (line) => {
		const hub = createHub()
		const log = open(hub, 't')
		await joined(log)
		const frame = 'event: n\ndata: \n\n'.length
		let largest = 'x'.repeat(1024 * 1024 - frame)
		if (line > 0) {
			const lines = Math.floor((1024 * 1024 - frame) / (line + 7))
			largest = Array.from({ length: lines }, () => 'x'.repeat(line)).join('\n')
		}
		expect(await hub.publish('t', 'n', largest)).toMatchObject({ error: false })
		const more = `${largest}${'\n'.repeat(10)}`
		expect((await hub.publish('t', 'n', more)).error).toMatchObject({ code: 'too-large' })
		await log.count(1)
		expect(told(log)).toEqual([largest])
	}
)

test('a loop leaves out events that its contract does not have', async () => {
	const broker = memory()
	const hub = createHub({ broker, events: defineEvents({ n: schema((value) => ({ value })) }) })
	const after = await hub.cursor()
	const names = ['newer', 'n', 'newer', 'n']
	await broker.append(names.map((name, index) => ({ topic: 't', name, data: String(index) })))
	const loop = hub.subscribe('t', { after })[Symbol.asyncIterator]()
	expect((await loop.next()).value).toMatchObject({ data: 1 })
	expect((await loop.next()).value).toMatchObject({ data: 3 })
	await loop.return!()
})
