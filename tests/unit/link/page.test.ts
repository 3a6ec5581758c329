import { describe, expect } from 'vitest'
import { flushPromises } from '../../../src/lib/testing/flush-promises.js'
import { test } from './fixture.js'

describe('a lost network', () => {
	test('is shown at once, and a byte takes it back', async ({ open, requests, page }) => {
		const { log, events } = open()
		await flushPromises()
		await requests.last.hello()
		await page.offline()
		await page.offline()
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

	test('that is back does not cut a link that was heard of since', async ({
		open,
		requests,
		clock,
		page
	}) => {
		const { log } = open()
		await flushPromises()
		await requests.last.hello(30_000)
		await page.offline()
		await clock.advance(20_000)
		await requests.last.write(':\n\n')
		await page.online()
		await clock.advance(30_000)
		await requests.last.write(':\n\n')
		await clock.advance(30_000)
		expect(log.slice(2)).toEqual(['reconnecting offline', 'open accepted'])
		expect(requests.count).toBe(1)
	})

	test('that is back drops a link at once that was not heard of since', async ({
		open,
		requests,
		clock,
		page
	}) => {
		const { log, witness } = open()
		await flushPromises()
		await requests.last.hello(30_000)
		await page.offline()
		await clock.advance(37_500)
		expect(requests.active).toHaveLength(1)
		await page.online()
		expect(requests.active).toEqual([])
		await clock.advance(250)
		expect(log.slice(2)).toEqual([
			'reconnecting offline',
			'reconnecting offline in 250',
			'reconnecting offline'
		])
		expect([requests.count, witness.last!.error]).toEqual([2, undefined])
	})

	test('that is back, as the browser says again and again, makes one attempt', async ({
		open,
		requests,
		clock,
		page
	}) => {
		const { log } = open()
		await flushPromises()
		await requests.last.hello()
		await page.offline()
		for (let time = 0; time < 5; time++) await page.online()
		await clock.advance(1_000)
		for (let time = 0; time < 5; time++) await page.online()
		expect(log.slice(2)).toEqual([
			'reconnecting offline',
			'reconnecting offline in 250',
			'reconnecting offline'
		])
		expect(requests.count).toBe(2)
	})

	test('that stays away is noticed by the silence, and the next attempt waits for it', async ({
		open,
		requests,
		clock,
		page
	}) => {
		const { log } = open()
		await flushPromises()
		await requests.last.hello(30_000)
		await page.offline()
		await clock.advance(74_999)
		expect(log.at(-1)).toBe('reconnecting offline')
		await clock.advance(1)
		expect(log.at(-1)).toBe('reconnecting silent !silent in 15000')
		await page.online()
		expect(requests.count).toBe(2)
	})

	test('that is back brings the next attempt at once', async ({ open, requests, clock, page }) => {
		const { log } = open()
		await flushPromises()
		await requests.last.fail()
		await page.online()
		expect(log.slice(1)).toEqual([
			'reconnecting network !network in 250',
			'reconnecting network !network'
		])
		await requests.last.fail()
		await clock.advance(100)
		expect(requests.count).toBe(2)
	})

	test('that is back makes a new request where no heartbeat would show life', async ({
		open,
		requests,
		clock,
		page
	}) => {
		const { log } = open()
		await flushPromises()
		await requests.last.answer('data: a\n\n')
		await page.offline()
		await page.online()
		await clock.advance(250)
		expect(log.slice(2)).toEqual([
			'reconnecting offline',
			'reconnecting offline in 250',
			'reconnecting offline'
		])
		expect(requests.active).toHaveLength(1)
	})

	test('during the request changes nothing', async ({ open, requests, page }) => {
		const { log } = open()
		await flushPromises()
		await page.offline()
		await page.online()
		await requests.last.hello()
		expect(log).toEqual(['connecting asked', 'open accepted'])
	})

	test('during the request says nothing of a response that came since', async ({
		open,
		requests,
		page
	}) => {
		const { log } = open()
		await flushPromises()
		await page.offline()
		await requests.last.answer('', { headers: { 'sveltekit-sse': '1; ping=30000' } })
		await page.online()
		await requests.last.write(': sveltekit-sse/1 hello ping=30000\n\n')
		expect([log, requests.count]).toEqual([['connecting asked', 'open accepted'], 1])
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
			await flushPromises()
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
		await flushPromises()
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
		await flushPromises()
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
		await flushPromises()
		await requests.last.hello(10_000)
		await clock.sleep(60_000)
		await requests.last.write('data: alive\n\n')
		await clock.sleep(60_000)
		expect(log.at(-1)).toBe('open accepted')
		await clock.sleep(60_000)
		expect(log.at(-1)).toBe('reconnecting silent !silent in 250')
	})

	// Each time gave it two seconds more.
	test('again and again does not spare a dead link', async ({ open, requests, clock, page }) => {
		const { log } = open()
		await flushPromises()
		await requests.last.hello(30_000)
		for (let second = 0; second < 38; second++) {
			await page.show()
			await clock.advance(1_000)
		}
		expect(log).toContain('reconnecting silent !silent in 250')
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
		await flushPromises()
		await requests.last.hello(30_000, 'id: 5\ndata: a\n\n')
		await page.leave()
		await clock.advance(3_600_000)
		expect(requests.active).toEqual([])
		await page.comeBack()
		expect(log.slice(2)).toEqual(['reconnecting away', 'reconnecting away'])
		expect(requests.last.lastEventId).toBe('5')
	})

	test('is not brought back by anything else', async ({ open, requests, page }) => {
		open({ pauseAfter: 0 })
		await flushPromises()
		await requests.last.hello()
		await page.leave()
		await page.online()
		await page.resume()
		expect(requests.count).toBe(1)
		await page.comeBack()
		expect(requests.count).toBe(2)
	})

	test('gives up a waiting attempt too', async ({ open, requests, clock, page }) => {
		open()
		await flushPromises()
		await requests.last.fail()
		await page.leave()
		await clock.advance(3_600_000)
		expect(requests.count).toBe(1)
		await page.comeBack()
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
				await flushPromises()
				await requests.last.hello()
				await page.leave()
				expect(requests.active).toEqual([])
				await page.comeBack()
				await page.online()
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
				await flushPromises()
				await page.leave()
				await page.comeBack()
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
				await flushPromises()
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
				await flushPromises()
				await requests.last.answer('data: a\n\n')
				await page.offline()
				await page.online()
				expect(log.slice(2)).toEqual(['reconnecting offline', 'closed offline'])
				expect(requests.count).toBe(1)
			})
		})
})

describe('the hidden page', () => {
	test('keeps its link by default', async ({ open, requests, clock, page }) => {
		open({ watchdog: false })
		await flushPromises()
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
		await flushPromises()
		await requests.last.hello()
		await page.hide()
		await clock.advance(4_999)
		expect(requests.active).toHaveLength(1)
		await clock.advance(1)
		expect(requests.active).toHaveLength(0)
		await page.online()
		await clock.advance(3_600_000)
		await page.show()
		expect(log.slice(2)).toEqual(['reconnecting hidden', 'reconnecting hidden'])
		expect(requests.count).toBe(2)
	})

	test('that is visible again in time keeps its link', async ({ open, requests, clock, page }) => {
		open({ pauseAfter: 5_000 })
		await flushPromises()
		await requests.last.hello()
		await page.hide()
		await clock.advance(4_000)
		await page.show()
		await clock.advance(10_000)
		expect(requests.active).toHaveLength(1)
		expect(requests.count).toBe(1)
	})

	// With `pauseAfter: 0` it was paused again and again, as fast as timers go.
	test('that was hidden from the start makes no request with `pauseAfter: 0`, and is paused once', async ({
		open,
		clock,
		page,
		requests
	}) => {
		await page.hide()
		const { link, log } = open({ pauseAfter: 0 })
		await clock.advance(60_000)
		link.connect()
		link.want()
		await clock.advance(60_000)
		expect(log).toEqual(['reconnecting hidden'])
		expect([requests.count, clock.timers]).toEqual([0, 0])
		await page.show()
		expect(log).toEqual(['reconnecting hidden', 'reconnecting hidden'])
		expect(requests.active).toHaveLength(1)
	})

	test('that was hidden from the start is given all of `pauseAfter`', async ({
		open,
		clock,
		page,
		requests
	}) => {
		await page.hide()
		await clock.advance(60_000)
		const { log } = open({ pauseAfter: 5_000, watchdog: false })
		await flushPromises()
		await requests.last.hello()
		await clock.advance(4_999)
		expect(requests.active).toHaveLength(1)
		await clock.advance(1)
		expect(requests.active).toEqual([])
		expect(log).toEqual(['connecting asked', 'open accepted', 'reconnecting hidden'])
	})

	test('that is hidden while an attempt waits gives it up after `pauseAfter`, and has it when it is visible', async ({
		open,
		clock,
		page,
		requests
	}) => {
		const { log } = open({ pauseAfter: 100 })
		await flushPromises()
		await requests.last.fail()
		await page.hide()
		await clock.advance(3_600_000)
		expect([requests.count, clock.timers]).toEqual([1, 0])
		await page.show()
		expect(log.slice(1)).toEqual([
			'reconnecting network !network in 250',
			'reconnecting hidden',
			'reconnecting hidden'
		])
		expect(requests.count).toBe(2)
	})

	// The README's own `close({ connect }) { connect() }` brought it straight back.
	for (const ask of ['want', 'connect'] as const)
		test(`is not brought back by ${ask}() in a close handler`, async ({
			open,
			requests,
			clock,
			page
		}) => {
			const { link, witness } = open({ pauseAfter: 0 })
			witness.transition = ({ status }) => {
				if (status === 'reconnecting') link[ask]()
			}
			await flushPromises()
			await requests.last.hello()
			await page.hide()
			await clock.advance(1_000)
			await page.leave()
			expect(requests.count).toBe(1)
		})
})

describe('while the browser says that there is no network', () => {
	test('attempts fail without being used up, and are made at long intervals', async ({
		open,
		requests,
		clock,
		page
	}) => {
		requests.serve = (call) => call.fail()
		await page.offline()
		const { log, witness } = open({ reconnect: { attempts: 2 } })
		await clock.advance(50_000)
		const lost = 'reconnecting network !network'
		const wait = `${lost} in 15000`
		expect(log).toEqual(['connecting asked', wait, lost, wait, lost, wait, lost, wait])
		expect(witness.last!.attempt).toBe(1)
		// The count goes on where it was.
		await page.online()
		await clock.advance(60_000)
		expect(log.slice(8)).toEqual([lost, `${lost} in 500`, lost, 'closed network !network'])
	})

	test('a link that does not come back by itself is closed all the same', async ({
		open,
		requests,
		page
	}) => {
		await page.offline()
		const { log } = open({ reconnect: false })
		await flushPromises()
		await requests.last.fail()
		expect(log).toEqual(['connecting asked', 'closed network !network'])
	})

	// Losses are not counted, and so each was the first: attempts were made as fast as promises go.
	test('`decide` makes no storm', async ({ open, requests, clock, page }) => {
		requests.serve = (call) => requests.count < 100 && call.fail()
		await page.offline()
		open({ reconnect: { decide: () => 0 } })
		await clock.advance(5_000)
		expect(requests.count).toBe(11)
	})

	test('a server that is there all the same is reached', async ({ open, requests, page }) => {
		await page.offline()
		const { log } = open()
		await flushPromises()
		await requests.last.hello()
		expect(log).toEqual(['connecting asked', 'open accepted'])
	})
})
