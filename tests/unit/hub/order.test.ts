import { describe, expect, test } from 'vitest'
import { defineEvents, type SseError } from '../../../src/lib/index.js'
import type { Schema } from '../../../src/lib/contract/types.js'
import { memory, type Hub } from '../../../src/lib/hub/index.js'
import { giveWay } from '../../../src/lib/parts/give-way.js'
import { manualClock } from '../../../src/lib/testing/index.js'
import { StreamLog } from '../../support/stream-log.js'
import {
	captureTail,
	createHub,
	joined,
	lagging,
	open,
	request,
	told,
	toldInAll
} from './fixture.js'

// A disconnect takes effect in its place: what was published before it comes first, also to those who are still behind.

function numbers(count: number): string[] {
	return Array.from({ length: count }, (_, index) => String(index))
}

/** A schema that takes so many turns for each value. */
function slow(turns: (value: number) => number): Schema<number, number> {
	return {
		'~standard': {
			version: 1,
			vendor: 'test',
			async validate(value) {
				for (let i = 0; i < turns(value as number); i++) await Promise.resolve()
				return { value: value as number }
			}
		}
	}
}

test.for(['text', 'a schema at once', 'an asynchronous schema'])(
	'what is published in the same tick before a disconnect is delivered (%s)',
	async (kind) => {
		const schema = kind === 'a schema at once' ? slow(() => 0) : slow((value) => 30 - 10 * value)
		const events = kind === 'text' ? undefined : defineEvents({ n: schema })
		const hub = createHub({ events }) as unknown as Hub
		const log = open(hub, 'job')
		await joined(log)
		for (let i = 0; i < 3; i++) void hub.publish('job', 'n', i)
		const { error } = await hub.disconnect('job')
		expect(error).toBe(false)
		expect(await toldInAll(log)).toEqual([...numbers(3), 'done'])
	}
)

test('who is still sent the past when a topic ends is sent all of it, and then the end', async () => {
	const hub = createHub()
	const before = await hub.cursor()
	for (let i = 0; i < 3_001; i++) await hub.publish('job', 'n', i)
	const response = hub.stream('job', { request: request(before), maxBuffer: 20_000 })
	await Promise.resolve()
	await hub.disconnect('job')
	await hub.publish('job', 'n', 'after')
	expect(await toldInAll(new StreamLog(response))).toEqual([...numbers(3_001), 'done'])
})

test.for([
	['expired', [...numbers(2_000), 'expired']],
	['denied', expect.not.arrayContaining(['1999'])]
] as const)('while the past is sent, %s is met in its place or cuts at once', async (given) => {
	const [reason, expected] = given
	const hub = createHub()
	const before = await hub.cursor()
	for (let i = 0; i < 2_000; i++) await hub.publish('job', 'n', i)
	const response = hub.stream('job', { request: request(before), maxBuffer: 4_000 })
	await Promise.resolve()
	await hub.disconnect('job', reason)
	const all = await toldInAll(new StreamLog(response))
	expect(all).toEqual(expected)
	expect(all.at(-1)).toBe(reason)
})

test('a stream that is up to date is sent what comes before `denied` in the same tick', async () => {
	const hub = createHub()
	const log = open(hub, ['job', 'other'])
	await joined(log)
	void hub.publish('job', 'n', 0)
	void hub.publish('other', 'n', 1)
	void hub.disconnect('job', 'denied')
	expect(await toldInAll(log)).toEqual(['0', '1', 'denied'])
})

test('who was told to end while its past was gone is told of the gap, and then of the end', async () => {
	const broker = memory()
	const hub = createHub({ broker, maxReplay: 10 })
	const before = await hub.cursor()
	for (let i = 0; i < 30; i++) await hub.publish('job', 'n', i)
	const log = open(hub, 'job', before)
	await hub.disconnect('job', 'expired')
	expect(await toldInAll(log)).toEqual(['gap', 'expired'])
})

test('what was expired or denied before a stream was opened does not end it', async () => {
	const hub = createHub()
	const before = await hub.cursor()
	await hub.publish('user', 'n', 0)
	for (const reason of ['expired', 'denied', 'restart'] as const)
		await hub.disconnect('user', reason)
	await hub.publish('user', 'n', 1)
	const logs = [open(hub, 'user', before), open(hub, 'user', undefined, { last: 2 })]
	for (const log of logs) {
		await log.count(2)
		await joined(log)
	}
	await hub.publish('user', 'n', 2)
	for (const log of logs) {
		await log.count(3)
		expect(log.data).toEqual(numbers(3))
	}
})

test('who opens a topic that has ended is sent what it is due of the past, and then the end', async () => {
	const hub = createHub()
	const before = await hub.cursor()
	for (let i = 0; i < 3; i++) await hub.publish('job', 'n', i)
	await hub.disconnect('job')
	const after = await hub.cursor()
	expect(await toldInAll(open(hub, 'job'))).toEqual(['done'])
	expect(await toldInAll(open(hub, 'job', undefined, { last: true }))).toEqual(['2', 'done'])
	expect(await toldInAll(open(hub, 'job', undefined, { last: 2 }))).toEqual(['1', '2', 'done'])
	expect(await toldInAll(open(hub, 'job', before))).toEqual([...numbers(3), 'done'])
	expect(await toldInAll(open(hub, 'job', after))).toEqual(['done'])
	expect(await toldInAll(open(hub, 'job', 'none', { last: true }))).toEqual(['gap', '2', 'done'])
	expect(hub.connections()).toBe(0)
})

test('a topic that has ended begins again with the next event', async () => {
	const hub = createHub()
	await hub.disconnect('job')
	await hub.publish('job', 'n', 0)
	const log = open(hub, 'job', undefined, { last: true })
	await joined(log)
	await hub.publish('job', 'n', 1)
	await log.count(2)
	expect(log.data).toEqual(numbers(2))
})

test('a stream of several topics ends at its opening only if all of them have ended', async () => {
	const hub = createHub()
	await hub.disconnect('one')
	const log = open(hub, ['one', 'other'])
	await joined(log)
	await hub.publish('other', 'n', 0)
	await log.count(1)
	expect(hub.connections('other')).toBe(1)
	await hub.disconnect('other')
	expect(await toldInAll(log)).toEqual(['0', 'done'])
	expect(await toldInAll(open(hub, ['one', 'other']))).toEqual(['done'])
})

test.for([1_000, 2])(
	'who comes back over an end that is not the last word goes on (%i at hand)',
	async (events) => {
		const hub = createHub({ broker: memory(), history: { events } })
		const before = await hub.cursor()
		await hub.publish('job', 'n', 0)
		await hub.disconnect('job')
		await hub.publish('job', 'n', 1)
		const log = open(hub, 'job', before)
		await joined(log)
		await hub.publish('job', 'n', 2)
		await log.count(3)
		expect(log.data).toEqual(numbers(3))
		await hub.disconnect('job')
		for (let i = 0; i < 3; i++) await hub.publish('other', 'n', i)
		// Also where only the broker still knows it.
		expect(await toldInAll(open(hub, 'job', before))).toEqual([...numbers(3), 'done'])
	}
)

test('the end of a topic is forgotten with its history', async () => {
	const hub = createHub({ history: { events: 3 } })
	await hub.disconnect('job')
	for (let i = 0; i < 3; i++) await hub.publish('other', 'n', i)
	const log = open(hub, 'job')
	await joined(log)
	await hub.publish('job', 'n', 0)
	await log.count(1)
})

test('a loop in server code goes on behind the end of its topic', async () => {
	const hub = createHub()
	const loop = hub.subscribe('job')[Symbol.asyncIterator]()
	const first = loop.next()
	await open(hub, 'job').until(({ all }) => all.length > 1)
	await hub.publish('job', 'n', 0)
	await hub.disconnect('job')
	await hub.publish('job', 'n', 1)
	expect([(await first).value, (await loop.next()).value]).toMatchObject([
		{ data: '0' },
		{ data: '1' }
	])
	await loop.return!()
})

test('an end that is stored while a process starts ends the streams that it already has', async () => {
	const broker = memory()
	const other = createHub({ broker })
	for (let i = 0; i < 3; i++) await other.publish('job', 'n', i)
	await other.disconnect('job', 'expired')
	const late = lagging(broker)
	const hub = createHub({ broker: late })
	const log = open(hub, 'job', undefined, { last: true })
	await hub.cursor()
	await other.publish('job', 'n', 3)
	await other.disconnect('job', 'expired')
	late.letGo()
	expect(await toldInAll(log)).toEqual(['2', '3', 'expired'])
})

test('several topics in one tick keep each its own order', async () => {
	const hub = createHub()
	const logs = ['a', 'b'].map((topic) => open(hub, topic))
	for (const log of logs) await joined(log)
	for (const topic of ['a', 'b', 'a']) void hub.publish(topic, 'n', topic)
	void hub.disconnect('a')
	void hub.publish('b', 'n', 'later')
	await hub.disconnect('b')
	expect(await Promise.all(logs.map(toldInAll))).toEqual([
		['a', 'a', 'done'],
		['b', 'later', 'done']
	])
})

describe('a process that lags behind the log', () => {
	async function lag(history: (hub: Hub) => Promise<unknown>) {
		const broker = lagging()
		const hub = createHub({ broker })
		const before = await hub.cursor()
		const early = open(hub, 'job')
		await joined(early)
		await history(hub)
		return { broker, hub, before, early }
	}

	test.for(['denied', 'expired'] as const)(
		'does not end with `%s` a stream that was opened after that was stored',
		async (reason) => {
			const { broker, hub, before, early } = await lag(async (hub) => {
				await hub.publish('job', 'n', 0)
				await hub.disconnect('job', reason)
			})
			const logs = [open(hub, 'job', before), open(hub, 'job')]
			await hub.cursor()
			broker.letGo()
			expect(await toldInAll(early)).toEqual(['0', reason])
			for (const log of logs) await joined(log)
			await hub.publish('job', 'n', 1)
			for (const log of logs) await log.until(({ data }) => data.includes('1'))
			expect(logs.map(told)).toEqual([['0', '1'], ['1']])
		}
	)

	test('knows of a stream that is opened whether its topic is over, or has begun again', async () => {
		const { broker, hub, before } = await lag(async (hub) => {
			await hub.publish('job', 'n', 0)
			await hub.disconnect('job')
			await hub.disconnect('other')
			await hub.publish('other', 'n', 1)
		})
		const over = [open(hub, 'job', before), open(hub, 'job')]
		const alive = [open(hub, 'other', before), open(hub, ['job', 'other'])]
		await hub.cursor()
		broker.letGo()
		expect(await Promise.all(over.map(toldInAll))).toEqual([['0', 'done'], ['done']])
		for (const log of alive) await joined(log)
		await hub.publish('other', 'n', 2)
		for (const log of alive) await log.until(({ data }) => data.includes('2'))
		expect(alive.map(told)).toEqual([['1', '2'], ['2']])
	})

	test('gives neither a stream nor a loop what was stored before it began', async () => {
		const { broker, hub } = await lag((hub) => hub.publish('job', 'n', 0))
		const log = open(hub, 'job')
		const loop = hub.subscribe('job')[Symbol.asyncIterator]()
		const next = loop.next()
		await hub.cursor()
		await hub.publish('job', 'n', 1)
		broker.letGo()
		await log.count(1)
		expect([log.data, (await next).value]).toEqual([['1'], expect.objectContaining({ data: '1' })])
		await loop.return!()
	})

	test('is waited for no longer when the log was set back, as by a failover', async () => {
		const broker = memory()
		const listener = captureTail(broker)
		const hub = createHub({ broker })
		await hub.publish('job', 'n', 0)
		await joined(open(hub, 'other'))
		const cursor = await hub.cursor()
		// The log ended there before the entries behind were lost.
		broker.head = async () => cursor.replace(/-1-0$/, '-9-0')
		const log = open(hub, 'job')
		await giveWay()
		expect(log.all.some((note) => 'id' in note)).toBe(false)
		listener().gap({ reason: 'unknown', cursor })
		await joined(log)
		await hub.publish('job', 'n', 1)
		await log.count(1)
		expect(log.data).toEqual(['1'])
	})
})

test.for(['expired', 'done'] as const)(
	'a stream that has just been opened is ended by `%s` in its process, however slowly the log is asked',
	async (reason) => {
		const broker = memory()
		const head = broker.head.bind(broker)
		let answer = (): void => {}
		broker.head = async () => {
			await new Promise<void>((resolve) => (answer = resolve))
			return head()
		}
		const hub = createHub({ broker })
		const log = open(hub, 'job')
		const ended = hub.disconnect('job', reason)
		void hub.publish('job', 'n', 'after')
		await Promise.resolve()
		answer()
		expect((await ended).error).toBe(false)
		expect(await toldInAll(log)).toEqual([reason])
	}
)

describe('an end that is stored while a stream asks where the log stands', () => {
	/** A hub on a log whose head is told late, or not at all. */
	function slowHub(isAway: boolean) {
		const broker = lagging()
		const head = broker.head
		let answer = (): void => {}
		broker.head = async () => {
			await new Promise<void>((resolve) => (answer = resolve))
			if (isAway) throw new Error('away')
			return head()
		}
		return { hub: createHub({ broker }), broker, answer: () => answer() }
	}

	test.for([
		{ reason: 'denied', isAway: false },
		{ reason: 'denied', isAway: true },
		{ reason: 'expired', isAway: true }
	] as const)('ends it ($reason, the broker is away: $isAway)', async ({ reason, isAway }) => {
		using clock = manualClock()
		const { hub, broker, answer } = slowHub(isAway)
		const log = open(hub, 'job')
		await clock.advance(10)
		await broker.append([{ topic: 'job', name: 'disconnect', data: reason, control: true }])
		broker.letGo()
		answer()
		expect(await toldInAll(log)).toEqual([reason])
	})
})

describe('that a topic is over is forgotten', () => {
	test('when its history is too old', async () => {
		using clock = manualClock()
		const hub = createHub({ history: { age: 60_000 } })
		await hub.disconnect('job')
		await clock.advance(60_001)
		const log = open(hub, 'job')
		await joined(log)
		expect(hub.connections('job')).toBe(1)
	})

	test('when the log has a hole', async () => {
		const broker = memory()
		const listener = captureTail(broker)
		const hub = createHub({ broker })
		await hub.disconnect('job')
		await joined(open(hub, 'other'))
		listener().gap({ reason: 'trimmed', cursor: await hub.cursor() })
		const log = open(hub, 'job')
		await joined(log)
		expect(hub.connections('job')).toBe(1)
	})

	test('by a client whose past breaks off behind the end', async () => {
		const broker = memory()
		const hub = createHub({ broker, history: { events: 1 } })
		const before = await hub.cursor()
		await hub.disconnect('job')
		await hub.publish('job', 'n', 0)
		await hub.publish('other', 'n', 0)
		const read = broker.read.bind(broker)
		let reads = 0
		broker.read = async (after) => {
			if (++reads > 1) return { entries: [], gap: 'trimmed', more: false }
			return read(after, { limit: 1 })
		}
		const log = open(hub, 'job', before)
		await joined(log)
		expect([told(log), hub.connections('job')]).toEqual([['gap'], 1])
	})
})

test('a loop that missed events says where the next one goes on', async () => {
	const hub = createHub()
	await hub.publish('job', 'n', 0)
	const loop = hub.subscribe('job', { after: 'none' })[Symbol.asyncIterator]()
	const error = await loop.next().catch((thrown: unknown) => thrown as SseError)
	expect(error).toMatchObject({ code: 'gap', cursor: await hub.cursor() })
	await hub.publish('job', 'n', 1)
	const next = hub.subscribe('job', { after: (error as SseError).cursor })
	for await (const { data } of next) {
		expect(data).toBe('1')
		break
	}
})
