import { describe, expect, onTestFinished, vi } from 'vitest'
import { environment } from '../../../src/lib/environment.js'
import { drain, openStreams } from '../../../src/lib/produce/drain.js'
import { flushPromises } from '../../../src/lib/testing/flush-promises.js'
import { test as base } from './fixture.js'

// As in workerd, where a timer is gone with the request that set it. What workerd itself does is in tests/compat/workers.

const test = base.extend('isolated', { auto: true }, async () => {
	environment.isolatesRequests = true
	onTestFinished(() => void (environment.isolatesRequests = false))
})

const heartbeat = ':\n\n'

describe('where requests share nothing', () => {
	test('each stream has timers of its own, and takes them along when it ends', async ({
		open,
		clock
	}) => {
		const streams = Array.from({ length: 3 }, () => open({ ping: 8_000, maxDuration: 3_600_000 }))
		// The heartbeat, the look whether anyone reads, and the limit.
		for (let left = streams.length; left > 0; left--) {
			expect(clock.timers).toBe(3 * left)
			await streams[left - 1]!.response.body!.cancel()
		}
		expect(clock.timers).toBe(0)
	})

	test('a quiet stream has a heartbeat after each interval', async ({ open, clock }) => {
		const next = open({ ping: 8_000 }).chunks()
		await next()
		for (let count = 0; count < 5; count++) {
			let read: string | undefined
			void next().then((text) => (read = text))
			await clock.advance(7_999)
			expect(read).toBeUndefined()
			await clock.advance(1)
			await flushPromises()
			expect(read).toBe(heartbeat)
		}
	})

	test('a heartbeat comes after an interval without a byte at the latest, and none while events come', async ({
		open,
		clock
	}) => {
		const produced = open({ ping: 8_000 })
		const { connection } = produced
		const next = produced.chunks()
		await next()
		for (const pause of [300, 3_900, 2_000, 1, 3_999]) {
			await clock.advance(pause)
			connection.emit('n', pause)
			expect(await next()).toContain(`data: ${pause}`)
		}
		let read: string | undefined
		void next().then((text) => (read = text))
		await clock.advance(8_000)
		await flushPromises()
		expect(read).toBe(heartbeat)
	})

	test('a stream that nobody reads ends after half a minute', async ({ open, clock }) => {
		const { stops } = open({ ping: false })
		await clock.advance(29_999)
		expect(stops).toEqual([])
		await clock.advance(1)
		expect(stops).toEqual([['stop', 'gone']])
		expect(clock.timers).toBe(0)
	})

	test('no request ends the streams of others: drain() leaves them open', async ({ open }) => {
		const { stops } = open()
		expect(openStreams()).toBe(0)
		await drain()
		expect(stops).toEqual([])
	})
})

// workerd cuts the high-water mark to a whole number: half a byte more than was asked for was lost, and no client ever
// counted as having taken all.
base('what waits is counted where a stream takes whole numbers only', async ({ open }) => {
	vi.stubGlobal(
		'ReadableStream',
		class extends ReadableStream<Uint8Array> {
			constructor(
				source: UnderlyingDefaultSource<Uint8Array>,
				{ highWaterMark, size }: QueuingStrategy<Uint8Array>
			) {
				super(source, {
					highWaterMark: Math.trunc(highWaterMark!),
					size: (chunk) => Math.trunc(size!(chunk))
				})
			}
		}
	)
	onTestFinished(() => void vi.unstubAllGlobals())
	const produced = open({ ping: false, maxBuffer: 40 })
	const { connection } = produced
	const next = produced.chunks()
	await next()
	expect(connection.buffered).toBe(0)
	connection.emit('n', 'x')
	const event = 'event: n\ndata: x\n\n'
	expect(connection.buffered).toBe(event.length)
	await flushPromises()
	connection.emit('n', 'x')
	expect(connection.buffered).toBe(2 * event.length)
	await next()
	await next()
	expect(connection.buffered).toBe(0)
})
