import { describe, expect, onTestFinished, test } from 'vitest'
import { Hub, memory, type Broker, type HubOptions } from '../../../src/lib/hub/index.js'
import { openLoops } from '../../../src/lib/hub/subscription.js'
import { readLog } from './reading.js'

function createHub(options?: HubOptions): Hub {
	const hub = new Hub(options)
	onTestFinished(() => hub.close())
	return hub
}

function request(lastEventId?: string): Request {
	const headers: HeadersInit = lastEventId === undefined ? {} : { 'last-event-id': lastEventId }
	return new Request('http://localhost/', { method: 'POST', headers })
}

async function publish(hub: Hub, topic: string, count: number, from = 0): Promise<void> {
	for (let i = 0; i < count; i++) await hub.publish(topic, 'number', from + i)
}

function numbers(count: number): number[] {
	return Array.from({ length: count }, (_, index) => index)
}

/** Reads until the text contains a part, and returns all of it. */
async function until(reader: ReadableStreamDefaultReader<Uint8Array>, part: string) {
	const decoder = new TextDecoder()
	let text = ''
	for (let looked = 0; !text.includes(part, looked - part.length);) {
		looked = text.length
		const { done, value } = await reader.read()
		if (done) throw new Error(`It ended without ${part}: ${text}`)
		text += decoder.decode(value, { stream: true })
	}
	return text
}

/** A broker that counts how often its past is read. */
function counting(): { broker: Broker; reads(): number } {
	const broker = memory()
	const read = broker.read.bind(broker)
	let reads = 0
	broker.read = (...args) => {
		reads++
		return read(...args)
	}
	return { broker, reads: () => reads }
}

describe('a crowd that resumes', () => {
	test.for([
		{ events: 1_000, asks: false },
		{ events: 10, asks: true }
	])(
		'asks the broker: $asks, with $events events at hand, and is given all it missed',
		async ({ events, asks }) => {
			const { broker, reads } = counting()
			const hub = createHub({ broker, history: { events } })
			const { value: before } = await hub.publish('n', 'number', -1)
			await publish(hub, 'n', 50)
			const crowd = Array.from({ length: 100 }, () => readLog(hub, 'n', before))
			for (const log of crowd) {
				await log.until(({ events }) => events.length === 50)
				expect(log.events).toEqual(numbers(50))
			}
			expect(reads() > 0).toBe(asks)
		}
	)
})

describe('limits', () => {
	test('a client that missed more than maxReplay is told of one gap, and goes on', async () => {
		const hub = createHub({ maxReplay: 20 })
		const before = await hub.cursor()
		await publish(hub, 'n', 21)
		const log = readLog(hub, 'n', before)
		await log.until(({ lastEventId }) => lastEventId !== undefined)
		await publish(hub, 'n', 1, 99)
		await log.until(({ events }) => events.includes(99))
		expect(log.events).toEqual(['gap', 99])
	})

	test('more topics than maxTopics, and what is no topic, is refused at the call', () => {
		const hub = createHub({ maxTopics: 2 })
		for (const topics of [['a', 'b', 'c'], [], '', 'x'.repeat(513), 'half \ud83d']) {
			expect(() => hub.stream(topics, { request: request() })).toThrow(/topic/i)
			expect(() => hub.subscribe(topics)).toThrow(/topic/i)
		}
		expect(hub.connections()).toBe(0)
		expect(() => hub.stream('whole \u{1f600}', { request: request() })).not.toThrow()
	})

	test('a cursor selects only from the topics of this request', async () => {
		const hub = createHub()
		const { value: cursor } = await hub.publish('secret', 'number', 1)
		await publish(hub, 'secret', 3, 10)
		await publish(hub, 'n', 2)
		const log = readLog(hub, 'n', cursor)
		await log.until(({ events }) => events.length === 2)
		expect(log.events).toEqual([0, 1])
	})

	test('a client that does not read is ended, and holds up nobody', async () => {
		const hub = createHub()
		const idle = hub.stream('n', { request: request(), maxBuffer: 10_000 })
		const log = readLog(hub, 'n', undefined)
		await log.until(({ lastEventId }) => lastEventId !== undefined)
		await publish(hub, 'n', 5_000)
		await log.until(({ events }) => events.length === 5_000)
		expect(log.events).toEqual(numbers(5_000))
		expect(hub.connections()).toBe(1)
		expect(await idle.text()).toMatch(/close slow/)
	})
})

// They were left out without a word.
describe('what does not fit into the buffer', () => {
	const large = (size: number) => 'x'.repeat(size)
	/** What a stream has told: the data of its events, shortened, and gaps. */
	const told = (text: string) =>
		[...text.matchAll(/^data: (\w)|( gap)$/gm)].map(([, data, gap]) => data ?? gap!.trim())

	test('of many events at once: a client that does not read is ended, and resumes', async () => {
		const hub = createHub()
		const slow = hub.stream('n', { request: request(), maxBuffer: 10_000 }).body!.getReader()
		await until(slow, 'id:')
		for (let i = 0; i < 30; i++) void hub.publish('n', 'event', `${i} ${large(1_000)}`)
		await expect.poll(() => hub.connections()).toBe(0)
		const text = await until(slow, 'close slow')
		const numbersOf = (text: string) =>
			[...text.matchAll(/^data: (\d+)/gm)].map((match) => Number(match[1]))
		const [lastEventId] = [...text.matchAll(/^id: (.*)$/gm)].at(-1)!.slice(1)
		const again = hub.stream('n', { request: request(lastEventId) }).body!.getReader()
		const rest = await until(again, '\ndata: 29 ')
		expect(numbersOf(text).length).toBeGreaterThan(5)
		expect([...numbersOf(text), ...numbersOf(rest)]).toEqual(numbers(30))
		expect(text + rest).not.toContain(' gap')
		await again.cancel()
	})

	test.for(['close', 'drop-oldest', 'refuse'] as const)(
		'of an event that never does: its place is a gap, also when the client resumes (%s)',
		async (overflow) => {
			const hub = createHub()
			const before = await hub.cursor()
			const options = { overflow, maxBuffer: 10_000 }
			const live = hub.stream('n', { ...options, request: request() }).body!.getReader()
			await until(live, 'id:')
			for (const data of ['a', large(10_000), 'b']) void hub.publish('n', 'event', data)
			const resumed = hub.stream('n', { ...options, request: request(before) }).body!.getReader()
			for (const reader of [live, resumed]) {
				expect(told(await until(reader, 'data: b'))).toEqual(['a', 'gap', 'b'])
				await reader.cancel()
			}
		}
	)

	test('of a client that is refused what it has no room for: one gap, before what comes then', async () => {
		const hub = createHub()
		const options = { overflow: 'refuse', maxBuffer: 1_000 } as const
		const reader = hub.stream('n', { ...options, request: request() }).body!.getReader()
		await until(reader, 'id:')
		for (let i = 0; i < 9; i++) await hub.publish('n', 'event', large(400))
		// It has room again only when it has read.
		let text = await until(reader, 'x\n')
		await hub.publish('n', 'event', 'end')
		text += await until(reader, 'data: e')
		expect(told(text)).toEqual(['x', 'x', 'gap', 'e'])
		await reader.cancel()
	})
})

describe('a client that reads, and misses more than its buffer holds', () => {
	const filler = 'x'.repeat(10_000)

	// What one reading of the past brought together was larger than the buffer, and left out without a word.
	test.for([
		{ maxBuffer: 1024 * 1024, count: 150, from: 'this process', events: 1_000 },
		{ maxBuffer: 1024 * 1024, count: 150, from: 'the broker', events: 10 },
		{ maxBuffer: 40_000, count: 20, from: 'this process', events: 1_000 },
		{ maxBuffer: 40_000, count: 20, from: 'the broker', events: 10 }
	])('is given all of it by $from, with $maxBuffer bytes', async ({ maxBuffer, count, events }) => {
		const hub = createHub({ broker: memory(), history: { events } })
		const before = await hub.cursor()
		for (let i = 0; i < count; i++) await hub.publish('n', 'number', `${i} ${filler}`)
		const response = hub.stream('n', { request: request(before), maxBuffer })
		const text = await until(response.body!.getReader(), `\ndata: ${count - 1} `)
		const received = [...text.matchAll(/^data: (\d+)/gm)].map((match) => Number(match[1]))
		expect(received).toEqual(numbers(count))
		expect(text).not.toContain(' gap')
	})

	// It was ended as too slow before it could read, and whenever it came back.
	test('is shown as many of the latest as it asked for, then what came meanwhile', async () => {
		const hub = createHub()
		for (let i = 0; i < 150; i++) await hub.publish('n', 'number', `${i} ${filler}`)
		const reader = hub.stream('n', { request: request(), last: 149 }).body!.getReader()
		const first = await until(reader, '\ndata: 1 ')
		await hub.publish('n', 'number', '150 ')
		const text = first + (await until(reader, '\ndata: 150 '))
		const received = [...text.matchAll(/^data: (\d+)/gm)].map((match) => Number(match[1]))
		expect(received).toEqual(numbers(151).slice(1))
		expect(text.slice(0, text.indexOf('\ndata: 150 '))).not.toContain('id:')
	})
})

describe('while a client is brought up to date', () => {
	// It would resume there, and what it still waited for would be lost.
	test('heartbeats do not move it on to where the log is', async () => {
		const broker = memory()
		const hub = createHub({ broker, history: { events: 2 } })
		const before = await hub.cursor()
		await publish(hub, 'n', 20)
		const follower = readLog(hub, 'n', undefined)
		await follower.until(({ lastEventId }) => lastEventId !== undefined)
		broker.read = () => Promise.reject(new Error('The broker is away.'))
		const stream = hub.stream('n', { request: request(before), ping: 20 })
		const text = await until(stream.body!.getReader(), '\n\n:\n\n:\n\n')
		expect(text).not.toContain('id:')
	})

	// It waited for the next event instead, of whichever topic.
	test('it joins as soon as this process has come to where it is', async () => {
		const broker = memory()
		const { tail, read } = broker
		let held: (() => void)[] | undefined
		broker.tail = (start, listener) =>
			tail.call(broker, start, {
				...listener,
				entries(entries) {
					if (held) held.push(() => listener.entries(entries))
					else listener.entries(entries)
				}
			})
		broker.read = async (...args) => {
			const page = await read.call(broker, ...args)
			// The tail catches up while the answer is on its way.
			for (const hand of held?.splice(0) ?? []) hand()
			held = undefined
			return page
		}
		const hub = createHub({ broker })
		const follower = readLog(hub, 'n', undefined)
		await follower.until(({ lastEventId }) => lastEventId !== undefined)
		held = []
		const { value: ahead } = await hub.publish('n', 'number', 1)
		const log = readLog(hub, 'n', ahead)
		await log.until(({ lastEventId }) => lastEventId !== undefined)
		expect([log.events, log.lastEventId]).toEqual([[], ahead])
	})
})

test('a loop in a hub that is closed ends', async () => {
	const hub = createHub()
	await hub.close()
	for await (const event of hub.subscribe('n')) expect.unreachable(event.name)
	expect(openLoops()).toBe(0)
})

describe('two machines that share a broker', () => {
	test('publish to one another, and end the streams of a topic on both', async () => {
		const broker = memory()
		const [one, other] = [createHub({ broker }), createHub({ broker })]
		const logs = [readLog(one, 'n', undefined), readLog(other, 'n', undefined)]
		for (const log of logs) await log.until(({ lastEventId }) => lastEventId !== undefined)
		await publish(one, 'n', 2)
		await publish(other, 'n', 2, 2)
		for (const log of logs) {
			await log.until(({ events }) => events.length === 4)
			expect(log.events).toEqual(numbers(4))
		}
		await one.disconnect('n')
		for (const log of logs) await log.until(() => false)
		expect([one.connections(), other.connections()]).toEqual([0, 0])
	})
})

test('`last` shows a new client the latest of each topic, and one that resumes what it missed', async () => {
	const hub = createHub()
	await publish(hub, 'a', 3)
	const cursor = await hub.cursor()
	await publish(hub, 'b', 3, 10)
	const options = { last: true, member: { id: 'x' } }
	const streams = [request(), request(cursor)].map((request) =>
		hub.stream(['a', 'b'], { ...options, request }).body!.getReader()
	)
	const texts = await Promise.all(streams.map((reader) => until(reader, 'event: presence')))
	expect(texts.map((text) => text.match(/^(id|data: \d).*$/gm))).toEqual([
		['data: 2', 'data: 12', expect.stringMatching(/^id: .+-6-/)],
		[
			...[10, 11, 12].flatMap((data, index) => [
				`data: ${data}`,
				expect.stringMatching(new RegExp(`^id: .+-${index + 4}-`))
			]),
			expect.stringMatching(/^id: .+-6-/)
		]
	])
})

test('an event is encoded once, however many receive it', async () => {
	const hub = createHub()
	const readers = Array.from({ length: 3 }, () =>
		hub.stream('n', { request: request(), ping: false }).body!.getReader()
	)
	// Up to the place in the log, which is told to each by itself.
	for (const reader of readers) await until(reader, 'id:')
	await publish(hub, 'n', 1)
	const chunks = await Promise.all(readers.map(async (reader) => (await reader.read()).value))
	expect(new TextDecoder().decode(chunks[0])).toContain('data: 0')
	for (const chunk of chunks) expect(chunk?.buffer).toBe(chunks[0]?.buffer)
	for (const reader of readers) await reader.cancel()
})
