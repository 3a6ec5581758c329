import { describe, expect, test } from 'vitest'
import { produce } from '../../../src/lib/index.js'
import { read } from '../../../src/lib/read/index.js'
import { flushPromises, manualClock, memoryFetch } from '../../../src/lib/testing/index.js'
import { leaveNothing } from './fixture.js'

leaveNothing()

const url = 'http://app.test/events'

/** A stream that counts how often it is asked for more; each piece has two events. */
function counting({ ping }: { ping?: number } = {}) {
	const pieces = { pulled: 0 }
	const handler = () => {
		const body = new ReadableStream<Uint8Array>(
			{
				start(controller) {
					if (ping) controller.enqueue(encode(`: sveltekit-sse/1 hello ping=${ping}\n\n`))
				},
				pull(controller) {
					const number = 2 * pieces.pulled++
					controller.enqueue(encode(`data: ${number}\n\ndata: ${number + 1}\n\n`))
				}
			},
			{ highWaterMark: 0 }
		)
		return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
	}
	return { pieces, handler }
}

const encode = (text: string) => new TextEncoder().encode(text)

describe('a loop that is busy', () => {
	test('is not read ahead of: one piece waits, and nothing more is read', async () => {
		const { pieces, handler } = counting()
		const stream = read(url, { fetch: memoryFetch(handler) })
		await stream.next()
		await flushPromises()
		expect(pieces.pulled).toBe(1)
		// The last event of the piece is taken: the next piece may come.
		await stream.next()
		await flushPromises()
		expect(pieces.pulled).toBe(2)
		await flushPromises()
		expect(pieces.pulled).toBe(2)
		for (let number = 2; number < 20; number++)
			expect((await stream.next()).value).toMatchObject({ data: `${number}` })
		await flushPromises()
		expect(pieces.pulled).toBe(11)
		await stream.return()
	})

	test('holds a producer that waits for its client', async () => {
		let yielded = 0
		const fetch = memoryFetch(() =>
			produce(async function* () {
				for (;;) {
					yielded++
					yield { data: 'x'.repeat(10_000) }
				}
			})
		)
		const stream = read(url, { fetch })
		await stream.next()
		for (let turn = 0; turn < 20; turn++) await flushPromises()
		const before = yielded
		for (let turn = 0; turn < 20; turn++) await flushPromises()
		expect(yielded).toBe(before)
		expect(yielded).toBeLessThan(50)
		await stream.return()
	})

	test('does not lose its connection to the watchdog', async () => {
		using clock = manualClock()
		const { pieces, handler } = counting({ ping: 1_000 })
		const fetch = memoryFetch(handler)
		const stream = read(url, { fetch })
		await stream.next()
		await clock.advance(3_600_000)
		for (const data of ['1', '2', '3']) expect((await stream.next()).value).toMatchObject({ data })
		expect([fetch.requests.length, pieces.pulled > 1]).toEqual([1, true])
		await stream.return()
		expect(clock.timers).toBe(0)
	})

	test('is watched again once it has taken what waited', async () => {
		using clock = manualClock()
		let hasSent = false
		const fetch = memoryFetch(() => {
			const body = new ReadableStream({
				start: (controller) => {
					const events = hasSent ? '' : 'data: a\n\ndata: b\n\n'
					hasSent = true
					controller.enqueue(encode(`: sveltekit-sse/1 hello ping=1000\n\n${events}`))
				}
			})
			return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
		})
		const stream = read(url, { fetch })
		await stream.next()
		await clock.advance(60_000)
		await stream.next()
		const waiting = stream.next()
		await clock.advance(2_499)
		expect(fetch.open).toBe(1)
		await clock.advance(1)
		expect(fetch.open).toBe(0)
		await stream.return()
		await waiting
	})
})

test('a large piece of the body is taken in parts that are bounded', async () => {
	let taken = 0
	const events = 20_000
	const text = 'data: 0123456789\n\n'.repeat(events)
	const fetch = memoryFetch(() => {
		const body = new Blob([text]).stream()
		return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
	})
	for await (const { data } of read(url, { fetch })) if (data === '0123456789') taken++
	expect(taken).toBe(events)
})
