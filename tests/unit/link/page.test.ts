import { describe, expect } from 'vitest'
import { settled } from '../../support/clock.js'
import { test } from './fixture.js'

describe('a lost network', () => {
	test('is shown at once, and a byte takes it back', async ({ open, requests, page }) => {
		const { log, events } = open()
		await settled()
		await requests.last.hello()
		await page.tell('offline')
		await page.tell('offline')
		await requests.last.write('data: still here\n\n')
		expect(log).toEqual([
			'connecting asked',
			'open accepted',
			'reconnecting offline',
			'open accepted'
		])
		expect(events).toEqual(['message:still here'])
		expect(requests.count).toBe(1)
	})

	test('that is back does not cut a link whose heartbeat comes in time', async ({
		open,
		requests,
		clock,
		page
	}) => {
		const { log } = open()
		await settled()
		await requests.last.hello(30_000)
		await page.tell('offline')
		await clock.advance(20_000)
		await page.tell('online')
		await clock.advance(10_000)
		await requests.last.write(':\n\n')
		await clock.advance(10_000)
		expect(log.slice(2)).toEqual(['reconnecting offline', 'open accepted'])
		expect(requests.count).toBe(1)
	})

	test('that is back cuts a link whose heartbeat does not come', async ({
		open,
		requests,
		clock,
		page
	}) => {
		const { log } = open()
		await settled()
		await requests.last.hello(30_000)
		await page.tell('offline')
		await clock.advance(37_499)
		expect(log.at(-1)).toBe('reconnecting offline')
		await clock.advance(1)
		expect(log.at(-1)).toBe('reconnecting silent !silent in 250')
	})

	test('that is back brings the next attempt at once', async ({ open, requests, clock, page }) => {
		const { log } = open()
		await settled()
		await requests.last.fail()
		await page.tell('online')
		expect(log.slice(1)).toEqual([
			'reconnecting network !network in 250',
			'connecting network !network'
		])
		await requests.last.fail()
		await clock.advance(100)
		expect(requests.count).toBe(2)
	})

	test('that is back makes a new request where no heartbeat would show life', async ({
		open,
		requests,
		page
	}) => {
		const { log } = open()
		await settled()
		await requests.last.answer('data: a\n\n')
		await page.tell('offline')
		await page.tell('online')
		expect(log.slice(2)).toEqual([
			'reconnecting offline',
			'reconnecting offline in 250',
			'connecting offline'
		])
		expect(requests.active).toHaveLength(1)
	})

	test('during the request changes nothing', async ({ open, requests, page }) => {
		const { log } = open()
		await settled()
		await page.tell('offline')
		await page.tell('online')
		await requests.last.hello()
		expect(log).toEqual(['connecting asked', 'open accepted'])
	})
})

describe('coming back', () => {
	for (const what of ['resume', 'show'] as const)
		test(`to the page by \`${what}\` does not cut a healthy link`, async ({
			open,
			requests,
			clock,
			page
		}) => {
			const { log } = open()
			await settled()
			await requests.last.hello(30_000)
			await page.hide()
			await clock.advance(29_000)
			await page[what]()
			await clock.advance(1_000)
			await requests.last.write(':\n\n')
			await clock.advance(37_000)
			await requests.last.write(':\n\n')
			expect(log).toEqual(['connecting asked', 'open accepted'])
		})

	test('from sleep gives a link two seconds to prove itself', async ({ open, requests, clock }) => {
		const { log } = open()
		await settled()
		await requests.last.hello(30_000)
		await clock.sleep(3_600_000)
		expect(log.at(-1)).toBe('open accepted')
		await clock.advance(1_999)
		expect(log.at(-1)).toBe('open accepted')
		await clock.advance(1)
		expect(log.at(-1)).toBe('reconnecting silent !silent in 250')
	})

	test('from sleep keeps a link whose bytes waited', async ({ open, requests, clock }) => {
		const { log, events } = open()
		await settled()
		await requests.last.hello(30_000)
		await clock.sleep(3_600_000)
		await requests.last.write('data: late\n\n')
		await clock.advance(30_000)
		expect(log).toEqual(['connecting asked', 'open accepted'])
		expect(events).toEqual(['message:late'])
	})

	test('does not spare a dead link in a hidden tab, where every timer is late', async ({
		open,
		requests,
		clock
	}) => {
		const { log } = open()
		await settled()
		await requests.last.hello(10_000)
		await clock.sleep(60_000)
		await requests.last.write('data: alive\n\n')
		await clock.sleep(60_000)
		expect(log.at(-1)).toBe('open accepted')
		await clock.sleep(60_000)
		expect(log.at(-1)).toBe('reconnecting silent !silent in 250')
	})
})

describe('the page that leaves', () => {
	test('ends the request, and takes it up again when it is shown once more', async ({
		open,
		requests,
		clock,
		page
	}) => {
		const { log } = open()
		await settled()
		await requests.last.hello(30_000, 'id: 5\ndata: a\n\n')
		await page.tell('pagehide')
		await clock.advance(3_600_000)
		expect(requests.active).toEqual([])
		await page.tell('pageshow')
		expect(log.slice(2)).toEqual(['reconnecting away', 'connecting away'])
		expect(requests.last.lastEventId).toBe('5')
	})

	test('is not brought back by anything else', async ({ open, requests, page }) => {
		open({ pauseAfter: 0 })
		await settled()
		await requests.last.hello()
		await page.tell('pagehide')
		await page.tell('online')
		await page.resume()
		expect(requests.count).toBe(1)
		await page.tell('pageshow')
		expect(requests.count).toBe(2)
	})

	test('gives up a waiting attempt too', async ({ open, requests, clock, page }) => {
		open()
		await settled()
		await requests.last.fail()
		await page.tell('pagehide')
		await clock.advance(3_600_000)
		expect(requests.count).toBe(1)
		await page.tell('pageshow')
		expect(requests.count).toBe(2)
	})
})

// A question to a language model that costs money would be asked again each time the visitor comes back.
describe('a link that does not come back by itself', () => {
	for (const reconnect of [false, { attempts: 0 }] as const)
		describe(`because of \`reconnect: ${JSON.stringify(reconnect)}\``, () => {
			test('is closed by a page that leaves, and stays so when it is shown once more', async ({
				open,
				requests,
				page
			}) => {
				const { log } = open({ reconnect })
				await settled()
				await requests.last.hello()
				await page.tell('pagehide')
				expect(requests.active).toEqual([])
				await page.tell('pageshow')
				await page.tell('online')
				await page.resume()
				expect(log).toEqual(['connecting asked', 'open accepted', 'closed away'])
				expect(requests.count).toBe(1)
			})

			test('is closed by a page that leaves before it is answered', async ({
				open,
				requests,
				page
			}) => {
				const { log } = open({ reconnect })
				await settled()
				await page.tell('pagehide')
				await page.tell('pageshow')
				expect(log).toEqual(['connecting asked', 'closed away'])
				expect(requests.count).toBe(1)
			})

			test('is closed by a page that is hidden for too long, and stays so', async ({
				open,
				requests,
				clock,
				page
			}) => {
				const { log } = open({ reconnect, pauseAfter: 1_000 })
				await settled()
				await requests.last.hello()
				await page.hide()
				await clock.advance(1_000)
				await page.show()
				expect(log).toEqual(['connecting asked', 'open accepted', 'closed hidden'])
				expect(requests.count).toBe(1)
			})

			test('is closed by a network that is back without a sign of life', async ({
				open,
				requests,
				page
			}) => {
				const { log } = open({ reconnect })
				await settled()
				await requests.last.answer('data: a\n\n')
				await page.tell('offline')
				await page.tell('online')
				expect(log.slice(2)).toEqual(['reconnecting offline', 'closed offline'])
				expect(requests.count).toBe(1)
			})
		})
})

describe('the hidden page', () => {
	test('keeps its link by default', async ({ open, requests, clock, page }) => {
		open({ watchdog: false })
		await settled()
		await requests.last.hello()
		await page.hide()
		await clock.advance(3_600_000)
		expect(requests.active).toHaveLength(1)
	})

	test('closes after `pauseAfter`, and comes back when it is visible', async ({
		open,
		requests,
		clock,
		page
	}) => {
		const { log } = open({ pauseAfter: 5_000 })
		await settled()
		await requests.last.hello()
		await page.hide()
		await clock.advance(4_999)
		expect(requests.active).toHaveLength(1)
		await clock.advance(1)
		expect(requests.active).toHaveLength(0)
		await page.tell('online')
		await clock.advance(3_600_000)
		await page.show()
		expect(log.slice(2)).toEqual(['reconnecting hidden', 'connecting hidden'])
		expect(requests.count).toBe(2)
	})

	test('that is visible again in time keeps its link', async ({ open, requests, clock, page }) => {
		open({ pauseAfter: 5_000 })
		await settled()
		await requests.last.hello()
		await page.hide()
		await clock.advance(4_000)
		await page.show()
		await clock.advance(10_000)
		expect(requests.active).toHaveLength(1)
		expect(requests.count).toBe(1)
	})

	// With `pauseAfter: 0` it was paused again and again, as fast as timers go.
	test('that was hidden from the start is paused once', async ({ open, clock, page, requests }) => {
		page.isHidden = true
		const { log } = open({ pauseAfter: 0 })
		await clock.advance(0)
		await clock.advance(60_000)
		expect(log).toEqual(['connecting asked', 'reconnecting hidden'])
		expect(clock.timers).toBe(0)
		await page.show()
		expect(log.at(-1)).toBe('connecting hidden')
		expect(requests.active).toHaveLength(1)
	})

	// The README's own `close({ connect }) { connect() }` brought it straight back.
	test('is not brought back by connect() in a close handler', async ({
		open,
		requests,
		clock,
		page
	}) => {
		const { link, witness } = open({ pauseAfter: 0 })
		witness.transition = ({ status }) => {
			if (status === 'reconnecting') link.connectAgain()
		}
		await settled()
		await requests.last.hello()
		await page.hide()
		await clock.advance(1_000)
		await page.tell('pagehide')
		expect(requests.count).toBe(1)
	})
})
