import { describe, expect } from 'vitest'
import { flushPromises } from '../../../src/lib/testing/flush-promises.js'
import { test } from './fixture.js'

describe('a response that nobody has begun to read', () => {
	// A handler that throws after `produce`, or returns another response, left its producer running for good.
	for (const ping of [30_000, 1_000, false] as const)
		test(`ends its stream after half a minute with a ping of ${ping}, whatever is emitted`, async ({
			open,
			clock
		}) => {
			const { connection, stops } = open({ ping })
			for (let second = 1; second < 30; second++) {
				await clock.advance(1_000)
				expect(connection.emit('tick', second).error).toBe(false)
			}
			expect(stops).toEqual([])
			await clock.advance(1_000)
			expect(stops).toEqual([['stop', 'gone']])
			expect(connection.signal.aborted).toBe(true)
			expect(connection.emit('tick', 30).error).toMatchObject({ code: 'closed' })
			expect(clock.timers).toBe(0)
		})

	test('ends it also when more waits than the response takes at once', async ({ open, clock }) => {
		const { connection, stops } = open({ ping: false })
		while (connection.buffered < 500_000) connection.emit('big', 'x'.repeat(10_000))
		await clock.advance(30_000)
		expect(stops).toEqual([['stop', 'gone']])
	})
})

test('who has begun to read may be as slow as they like', async ({ open, clock }) => {
	const produced = open({ ping: 1_000 })
	const read = produced.chunks()
	await clock.advance(29_000)
	expect(await read()).toMatch(/^:sveltekit-sse/)
	await flushPromises()
	await clock.advance(3_600_000)
	expect(produced.stops).toEqual([])
	produced.connection.emit('last', 'x')
	let text = ''
	while (!text.includes('event: last')) text += await read()
	expect(text).toContain('data: x')
})
