import { expect } from 'vitest'
import { flushPromises } from '../../../src/lib/testing/flush-promises.js'
import { collectGarbage } from '../../support/garbage.js'
import { listen, test } from './fixture.js'

test('a thousand rounds of opening and closing leave no timer, no handler and no request', async ({
	connect,
	requests,
	clock,
	page
}) => {
	const { connection } = connect()
	for (let round = 0; round < 1_000; round++) {
		const channel = connection.select('message')
		const stops = [
			channel.subscribe(() => {}),
			channel.json().subscribe(() => {}),
			channel.list().on(() => {})
		]
		void channel.next().catch(() => {})
		await flushPromises()
		if (round % 3 === 0) void requests.last.hello(30_000, 'data: 1\n\n')
		else if (round % 3 === 1) void requests.last.fail()
		await flushPromises()
		for (const stop of stops) stop()
		connection.close()
		await clock.advance(600)
	}
	expect([clock.timers, page.listeners, requests.active, requests.count]).toEqual([0, 0, [], 1_000])
	expect(requests.all.filter(({ body }) => body === 'open')).toEqual([])
})

test('a thousand handles leave nothing', async ({ connect, requests, clock, page }) => {
	for (let round = 0; round < 1_000; round++) {
		const { connection } = connect({}, `/events?${round}`)
		const { stop } = listen(connection.select('message'))
		await flushPromises()
		if (round % 2) await requests.last.hello()
		stop()
	}
	await clock.advance(100)
	expect([clock.timers, page.listeners, requests.active]).toEqual([0, 0, []])
})

test('a handle that is forgotten can be collected, and its link with it', async ({
	requests,
	clock,
	page
}) => {
	const { source } = await import('../../../src/lib/source/source.js')
	const forgotten = await (async () => {
		const connection = source('/events', { fetch: requests.fetch })
		const { stop } = listen(connection.select('message'))
		await flushPromises()
		await requests.last.hello(30_000, 'data: 1\n\n')
		stop()
		await clock.advance(100)
		requests.all.length = 0
		return new WeakRef(connection)
	})()
	expect(page.listeners).toBe(0)
	await collectGarbage(() => !forgotten.deref())
	expect(forgotten.deref()).toBeUndefined()
})
