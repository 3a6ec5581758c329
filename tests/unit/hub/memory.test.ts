import { afterEach, expect, test } from 'vitest'
import { useClock, type Clock } from '../../../src/lib/clock.js'
import type { Entry, LogEntry } from '../../../src/lib/hub/broker.js'
import { Hub, memory } from '../../../src/lib/hub/index.js'

let restore: (() => void) | undefined
afterEach(() => restore?.())

function stopClock() {
	let time = 1_000_000
	const clock: Clock = {
		now: () => time,
		date: () => new Date(time),
		setTimeout: () => undefined,
		clearTimeout: () => undefined
	}
	restore = useClock(clock)
	return (ms: number) => void (time += ms)
}

const entry = (data: string): Entry => ({ topic: 't', name: 'n', data })

test('the number of entries is bounded exactly', async () => {
	const broker = memory({ history: { events: 3 } })
	const cursors = await broker.append(['a', 'b', 'c', 'd', 'e'].map(entry))
	await Promise.resolve()
	const page = await broker.read(cursors[1] as string, { limit: 10 })
	expect(page.entries.map(({ data }) => data)).toEqual(['c', 'd', 'e'])
	expect(await broker.read(cursors[0] as string, { limit: 10 })).toMatchObject({ gap: 'trimmed' })
})

test('bytes are bounded, and one that is larger than the bound is not kept', async () => {
	const broker = memory({ history: { bytes: 10_000 } })
	const start = await broker.head()
	await broker.append([entry('x'.repeat(4_000))])
	expect((await broker.read(start, { limit: 10 })).entries).toHaveLength(1)
	await broker.append([entry('y'.repeat(4_000))])
	await Promise.resolve()
	expect((await broker.read(start, { limit: 10 })).gap).toBe('trimmed')
	await broker.append([entry('z'.repeat(400_000))])
	await Promise.resolve()
	expect(await broker.read(await broker.head(), { limit: 10 })).toEqual({
		entries: [],
		more: false
	})
})

test('what has grown too old is not handed out, although nothing new came', async () => {
	const pass = stopClock()
	const broker = memory({ history: { age: 1_000 } })
	const start = await broker.head()
	const [first] = await broker.append([entry('a')])
	pass(600)
	await broker.append([entry('b')])
	pass(600)
	expect(await broker.read(start, { limit: 10 })).toMatchObject({ gap: 'trimmed' })
	const page = await broker.read(first as string, { limit: 10 })
	expect(page.entries).toMatchObject([{ data: 'b', at: 1_000_600 }])
	pass(600)
	expect(await broker.read(first as string, { limit: 10 })).toMatchObject({ gap: 'trimmed' })
	const head = await broker.head()
	expect(await broker.read(head, { limit: 10 })).toEqual({ entries: [], more: false })
})

test('a burst longer than the history reaches those who listen', async () => {
	const broker = memory({ history: { events: 10 } })
	const seen: LogEntry[] = []
	const gaps: unknown[] = []
	broker.tail('now', {
		entries: (entries) => void seen.push(...entries),
		gap: (gap) => void gaps.push(gap),
		live() {}
	})
	const sent = Array.from({ length: 1_000 }, (_, index) => entry(String(index)))
	for (const one of sent) void broker.append([one])
	await Promise.resolve()
	expect(seen.map(({ data }) => data)).toEqual(sent.map(({ data }) => data))
	expect(gaps).toEqual([])
})

// What a tail had yet to be handed was cut off by a reader that came in the same tick.
test('a burst longer than the history is whole for who listens, whoever looks in between', async () => {
	const errors: Error[] = []
	const broker = memory({ history: { events: 2 }, onError: (error) => void errors.push(error) })
	const start = await broker.head()
	const seen: string[] = []
	const listener = {
		entries: (entries: readonly LogEntry[]) => void seen.push(...entries.map(({ data }) => data)),
		gap: () => void seen.push('gap'),
		live() {}
	}
	broker.tail('now', listener)
	await Promise.resolve()
	const sent = Array.from({ length: 100 }, (_, index) => String(index))
	for (const one of sent) void broker.append([entry(one)])
	void broker.read(start, { limit: 1 })
	const later = broker.tail('now', { ...listener, entries() {} })
	await Promise.resolve()
	expect([seen, errors]).toEqual([sent, []])
	expect(await broker.read(start, { limit: 1 })).toMatchObject({ gap: 'trimmed' })
	await later.close()
})

test('two brokers never share an epoch', async () => {
	const [one, other] = [memory(), memory()]
	const [cursor] = await one.append([entry('a')])
	await other.append([entry('a')])
	expect(await other.read(cursor as string, { limit: 1 })).toMatchObject({ gap: 'epoch' })
})

test.each([{ events: -1 }, { bytes: NaN }, { age: '5' as unknown as number }])(
	'a bound that is no number is refused at the call: %o',
	(history) => {
		expect(() => memory({ history })).toThrow(/`history\.\w+` must be a number, 0 or more/)
	}
)

test('a broker that is forgotten leaves nothing behind', async () => {
	const before = process.getActiveResourcesInfo().length
	const broker = memory()
	broker.tail('now', { entries() {}, gap() {}, live() {} })
	await broker.append([entry('a')])
	expect(process.getActiveResourcesInfo().length).toBe(before)
	await broker.close()
})

// Spread over the defaults, one that is undefined threw.
test('the defaults hold where a bound is undefined', async () => {
	const history = { events: undefined, age: undefined, bytes: undefined }
	const broker = memory({ history })
	const [cursor] = await broker.append(['a', 'b'].map(entry))
	const { entries } = await broker.read(cursor!, { limit: 10 })
	expect(entries.map(({ data }) => data)).toEqual(['b'])
	const hub = new Hub({ broker, history })
	const published = await hub.publish('t', 'n', 'c')
	expect(published.error).toBe(false)
	await hub.close()
})
