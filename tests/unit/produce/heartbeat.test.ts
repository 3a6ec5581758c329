import { describe, expect } from 'vitest'
import { EventStream } from '../../../src/lib/produce/stream.js'
import { flushPromises } from '../../../src/lib/testing/flush-promises.js'
import type { ManualClock } from '../../../src/lib/testing/manual-clock.js'
import { test, type Produced } from './fixture.js'

const heartbeat = ':\n\n'

/** Reads on and on, and notes when each chunk came. */
function follow({ response }: Produced, clock: ManualClock): [number, string][] {
	const seen: [number, string][] = []
	const decoder = new TextDecoder()
	void response.body!.pipeTo(
		new WritableStream({
			write: (chunk) => void seen.push([clock.now, decoder.decode(chunk)])
		})
	)
	return seen
}

describe('a heartbeat', () => {
	test('comes after an interval without bytes, and again and again', async ({ open, clock }) => {
		const seen = follow(open({ ping: 8_000 }), clock)
		await clock.advance(24_500)
		expect(seen).toEqual([
			[0, ':sveltekit-sse/1 hello ping=8000\n\n'],
			[8_000, heartbeat],
			[16_000, heartbeat],
			[24_000, heartbeat]
		])
	})

	test('does not come while events do', async ({ open, clock }) => {
		const produced = open({ ping: 8_000 })
		const seen = follow(produced, clock)
		for (let i = 0; i < 30; i++) {
			await clock.advance(1_900)
			produced.connection.emit('n', i)
		}
		await flushPromises()
		expect(seen.filter(([, text]) => text === heartbeat)).toEqual([])
		expect(seen.length).toBe(31)
	})

	test('counts from the last byte, an eighth of the interval early at most', async ({
		open,
		clock
	}) => {
		const produced = open({ ping: 8_000 })
		const seen = follow(produced, clock)
		for (const pause of [300, 4_900, 7_100, 1, 6_999, 3_333]) {
			await clock.advance(pause)
			produced.connection.emit('n', '')
			await flushPromises()
			const last = clock.now
			const before = seen.length
			while (seen.length === before) await clock.advance(100)
			const silence = seen.at(-1)![0] - last
			expect(seen.at(-1)![1]).toBe(heartbeat)
			expect(silence).toBeGreaterThanOrEqual(7_000)
			expect(silence).toBeLessThanOrEqual(8_000)
		}
	})

	test('is not put off by events that were refused', async ({ open, clock }) => {
		const produced = open({ ping: 8_000, maxBuffer: 1_000, overflow: 'refuse' })
		const seen = follow(produced, clock)
		for (let i = 0; i < 20; i++) {
			await clock.advance(1_000)
			expect(produced.connection.emit('n', 'x'.repeat(2_000)).error).not.toBe(false)
		}
		expect(seen.filter(([, text]) => text === heartbeat)).toEqual([
			[8_000, heartbeat],
			[16_000, heartbeat]
		])
	})

	test('does not pile up for a client that does not read', async ({ open, clock }) => {
		const { connection } = open({ ping: 1_000 })
		const before = connection.buffered
		await clock.advance(600_000)
		expect(connection.buffered).toBe(before)
	})

	test('is never sent with `ping: false`, which needs no timer', async ({ open, clock }) => {
		const seen = follow(open({ ping: false }), clock)
		// Until it is known that someone reads.
		await clock.advance(30_000)
		expect(clock.timers).toBe(0)
		await clock.advance(3_600_000)
		expect(seen.length).toBe(1)
	})
})

describe('the wheel', () => {
	test('is one timer for any number of streams, and none without', async ({ open, clock }) => {
		// The first has one with the interval of the wheel that looks whether anyone reads.
		const streams = Array.from({ length: 500 }, () => open({ ping: 30_000 }))
		expect(clock.timers).toBe(1)
		const others = Array.from({ length: 100 }, () => open({ ping: 5_000 }))
		expect(clock.timers).toBe(2)
		await clock.advance(1_000)
		expect(clock.timers).toBe(2)
		for (const { response } of [...streams, ...others]) await response.body!.cancel()
		expect(clock.timers).toBe(0)
		open({ ping: 30_000 })
		expect(clock.timers).toBe(1)
	})

	test('beats for each stream in its own time', async ({ open, clock }) => {
		const logs: [number, string][][] = []
		for (let i = 0; i < 200; i++) {
			logs.push(follow(open({ ping: 8_000 }), clock))
			await clock.advance(37)
		}
		const begun = logs.map((log) => log[0]![0])
		await clock.advance(60_000)
		for (const [index, log] of logs.entries()) {
			const times = log.map(([at]) => at)
			expect(times[0]).toBe(begun[index])
			const pauses = times.slice(1).map((at, before) => at - times[before]!)
			expect(Math.min(...pauses)).toBeGreaterThanOrEqual(7_000)
			expect(Math.max(...pauses)).toBeLessThanOrEqual(8_000)
			expect(pauses.length).toBeGreaterThanOrEqual(7)
		}
	})

	test('goes on when a beat ends streams, its own among them, and when one fails', async ({
		clock
	}) => {
		const ended: number[] = []
		const streams: EventStream[] = Array.from(
			{ length: 9 },
			(_, index) =>
				new EventStream({
					ping: 8_000,
					maxBuffer: 1_000,
					overflow: 'close',
					ended: () => void ended.push(index),
					heartbeat() {
						if (index === 2) for (const other of [1, 2, 4]) streams[other]!.end('done')
						if (index === 8) throw new Error('beat')
						return `:${index}\n\n`
					}
				})
		)
		const texts = streams.map((stream) => stream.open().text())
		// The announcements have to be taken, or they say as much as a heartbeat.
		await flushPromises()
		await expect(clock.advance(8_000)).rejects.toThrow('beat')
		streams[8]!.end('done')
		await clock.advance(8_000)
		for (const stream of streams) stream.end('done')
		const beats = (await Promise.all(texts)).map((text) => text.match(/^:\d$/gm)?.length ?? 0)
		expect([beats, ended]).toEqual([
			[2, 1, 0, 2, 0, 2, 2, 2, 0],
			[1, 2, 4, 8, 0, 3, 5, 6, 7]
		])
		expect(clock.timers).toBe(0)
	})
})
