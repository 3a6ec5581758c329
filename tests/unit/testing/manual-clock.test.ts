import { describe, expect, test } from 'vitest'
import { clock as libraryClock } from '../../../src/lib/clock.js'
import { Hub } from '../../../src/lib/hub/index.js'
import { drain, produce, source } from '../../../src/lib/index.js'
import {
	collect,
	flushPromises,
	manualClock,
	memoryFetch,
	read
} from '../../../src/lib/testing/index.js'
import { rejection, restoreAfterEach } from './fixture.js'

restoreAfterEach()

describe('manualClock', () => {
	test('runs timers in the order of their time, each at its own', async () => {
		using clock = manualClock()
		const log: string[] = []
		const note = (name: string) => () => log.push(`${name} at ${libraryClock.now()}`)
		libraryClock.setTimeout(note('b'), 20)
		libraryClock.setTimeout(note('a'), 10)
		libraryClock.setTimeout(note('c'), 20)
		const gone = libraryClock.setTimeout(note('gone'), 15)
		libraryClock.setTimeout(() => libraryClock.setTimeout(note('nested'), 5), 10)
		libraryClock.clearTimeout(gone)
		expect([clock.timers, clock.next]).toEqual([4, 10])
		await clock.advance(19)
		expect(log).toEqual(['a at 10', 'nested at 15'])
		await clock.advance(1)
		expect(log.slice(2)).toEqual(['b at 20', 'c at 20'])
		expect([clock.now, clock.timers, clock.next]).toEqual([20, 0, undefined])
	})

	test('shows a date of its own, and goes on to another', async () => {
		using clock = manualClock(new Date('2026-01-01T00:00:00Z'))
		await clock.advance(new Date('2026-01-01T00:00:10Z'))
		expect(clock.now).toBe(10_001)
		expect(+libraryClock.date()).toBe(Date.parse('2026-01-01T00:00:10.001Z'))
		expect(await rejection(clock.advance(new Date('2025-01-01')))).toMatch(/^invalid-argument/)
		expect(await rejection(clock.advance(-1))).toMatch(/^invalid-argument/)
	})

	test('lets the machine sleep: what fell due runs late, in its order', async () => {
		using clock = manualClock(new Date('2026-01-01T00:00:00Z'))
		const log: string[] = []
		const note = (name: string) => () => log.push(`${name} at ${libraryClock.now()}`)
		libraryClock.setTimeout(note('b'), 20)
		libraryClock.setTimeout(note('a'), 10)
		libraryClock.setTimeout(note('c'), 60_001)
		libraryClock.setTimeout(() => libraryClock.setTimeout(note('nested'), 5), 10)
		await clock.sleep(60_000)
		expect(log).toEqual(['a at 60000', 'b at 60000'])
		expect([clock.now, clock.date]).toEqual([60_000, new Date('2026-01-01T00:01:00Z')])
		await clock.advance(5)
		expect(log.slice(2)).toEqual(['c at 60001', 'nested at 60005'])
		expect(await rejection(clock.sleep(-1))).toMatch(/^invalid-argument/)
	})

	test('has whole milliseconds, as real timers do', async () => {
		using clock = manualClock()
		libraryClock.setTimeout(() => {}, 10.2)
		expect(clock.next).toBe(11)
		await clock.advance(10.5)
		expect([clock.now, clock.timers]).toEqual([11, 0])
	})

	test('drives heartbeats and time limits of a stream', async () => {
		using clock = manualClock()
		const stream = read(produce(() => {}, { ping: 1_000, maxDuration: 60_000 }))
		const ended = stream.next()
		await clock.advance(60_000)
		expect(await ended).toEqual({ value: undefined, done: true })
		expect(stream.reason).toBe('rotate')
	})

	test('drives every timer: while it is there, none of the host is set', async () => {
		using clock = manualClock()
		const set: string[] = []
		const host = { setTimeout, setInterval, setImmediate }
		for (const name of Object.keys(host) as (keyof typeof host)[])
			globalThis[name] = ((...args: [() => void]) => {
				// A test runner sets some of its own.
				const { stack = '' } = new Error()
				if (stack.includes('/src/lib/')) set.push(`${name} ${stack}`)
				return (host[name] as typeof setTimeout)(...args)
			}) as never
		try {
			const hub = new Hub({ presence: { grace: 50, timeout: 500 } })
			const fetch = memoryFetch({
				'/hub': ({ request }: { request: Request }) =>
					hub.stream('topic', { request, member: { id: 'ann' }, ping: 100, maxDuration: 5_000 }),
				'/dead': () => produce(() => {}, { ping: false })
			})
			const held = source('/hub', { fetch })
			const stop = held.select('presence').on(() => {})
			const dead = source('/dead', { fetch, watchdog: 200, reconnect: { attempts: 2 } })
			dead.connect()
			const tooLate = rejection(held.select('never').next({ timeout: 300 }))
			const uncollected = rejection(
				collect(
					produce(() => {}),
					{ timeout: 400 }
				)
			)
			await clock.advance(10_000)
			expect(await tooLate).toMatch(/^timeout/)
			expect(await uncollected).toMatch(/^timeout/)
			const drained = drain()
			await clock.advance(1_000)
			await drained
			stop()
			dead.close()
			await clock.advance(10_000)
			await hub.close()
			await flushPromises()
			expect(held.status).toBe('idle')
		} finally {
			Object.assign(globalThis, host)
		}
		expect(set).toEqual([])
	})

	test('gives the library its own clock back', () => {
		const clock = manualClock()
		clock.restore()
		const before = libraryClock.now()
		expect(before).toBeGreaterThan(0)
		expect(clock.timers).toBe(0)
		clock.restore()
		expect(libraryClock.now()).toBeGreaterThanOrEqual(before)
	})
})
