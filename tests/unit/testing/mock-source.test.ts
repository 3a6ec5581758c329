import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { defineEvents, type SourceEvent } from '../../../src/lib/index.js'
import { flushPromises, manualClock, mockSource } from '../../../src/lib/testing/index.js'
import { rejection, restoreAfterEach } from './fixture.js'

restoreAfterEach()

const events = defineEvents({ order: v.object({ id: v.string() }), tick: v.number() })

describe('mockSource', () => {
	test('delivers what the test pushes', async () => {
		using orders = mockSource(events)
		const log: unknown[] = []
		orders.select('order').on((order, { id }) => log.push([order, id]))
		await orders.push('order', { id: '1' }, { id: 'a' })
		await orders.push('order', { id: '1' })
		expect(log).toEqual([
			[{ id: '1' }, 'a'],
			[{ id: '1' }, undefined]
		])
		expect(orders.lastEventId).toBe('a')
	})

	test('is text without a contract', async () => {
		using messages = mockSource()
		const next = messages.select('message').next()
		await messages.push('message', 'hello')
		expect(await next).toBe('hello')
	})

	test('keeps what is pushed before anyone reads', async () => {
		using orders = mockSource(events)
		await orders.push('tick', 1)
		await orders.push('tick', 2)
		const log: number[] = []
		orders.select('tick').on((tick) => log.push(tick))
		await flushPromises()
		expect(log).toEqual([1, 2])
	})

	test('walks through every status that a network has', async () => {
		using clock = manualClock()
		const log: string[] = []
		const note = ({ event, reason, willReconnect }: SourceEvent) =>
			log.push(`${event} ${reason}${willReconnect ? ', comes back' : ''}`)
		using orders = mockSource(events, { open: note, close: note, gap: () => log.push('gap') })
		orders.connect()
		await flushPromises()
		await orders.drop()
		expect(orders.status).toBe('reconnecting')
		orders.respond(503)
		await clock.advance(orders.retryAt!)
		expect([orders.status, orders.error?.status]).toEqual(['reconnecting', 503])
		await clock.advance(orders.retryAt!)
		expect(orders.status).toBe('open')
		await orders.gap()
		await orders.end('restart')
		await clock.advance(orders.retryAt!)
		expect(orders.status).toBe('open')
		await orders.end()
		expect(orders.status).toBe('closed')
		expect(log).toEqual([
			'open accepted',
			'close cut, comes back',
			'open accepted',
			'gap',
			'close restart, comes back',
			'open accepted',
			'close done'
		])
		expect(orders.requests.map(({ method }) => method)).toEqual(['POST', 'POST', 'POST', 'POST'])
	})

	test('resumes from the last id', async () => {
		using clock = manualClock()
		using orders = mockSource(events)
		orders.connect()
		await orders.push('tick', 1, { id: '41' })
		await orders.drop()
		await clock.advance(1_000)
		expect(orders.requests.map(({ headers }) => headers.get('last-event-id'))).toEqual([null, '41'])
	})

	test('refuses a value that does not fit, at once', async () => {
		using orders = mockSource(events)
		expect(await rejection(orders.push('tick', 'one' as never))).toMatch(
			/^validation: The data of 'tick' does not fit its schema/
		)
	})

	test('says so when nobody is there to hear', async () => {
		using orders = mockSource(events)
		expect(await rejection(orders.end())).toBe(
			'closed: Nobody is connected to the mock source: read a channel, or call connect(), and await flushPromises().'
		)
	})

	test('shows what it starts with', () => {
		using orders = mockSource(events, { initial: { tick: 7 } })
		expect(orders.select('tick').current).toBe(7)
		expect(orders.select('order').current).toBeUndefined()
	})
})
