import { describe, expect } from 'vitest'
import type { Call } from '../../support/requests.js'
import { settled } from '../../support/clock.js'
import { test } from './fixture.js'

const failing = (call: Call) => call.fail()

/** Answers, and ends at once. */
const ending = (text: string) => (call: Call) => {
	void call.hello(30_000, text)
	void call.end()
}

const goodbye = (reason: string) => ending(`: sveltekit-sse/1 close ${reason}\n\n`)

describe('the back-off', () => {
	test('grows with each loss up to its cap, and never gives up', async ({
		open,
		requests,
		clock
	}) => {
		requests.serve = failing
		const { log } = open({ reconnect: { min: 100, max: 1_000 } })
		await clock.advance(5_000)
		const waits = log.filter((entry) => entry.startsWith('reconnecting'))
		expect(waits.slice(0, 7)).toEqual(
			[50, 100, 200, 400, 500, 500, 500].map((wait) => `reconnecting network !network in ${wait}`)
		)
	})

	test('starts over once a link has stayed up for `minUptime`, not before', async ({
		open,
		requests,
		clock
	}) => {
		const { log } = open({ reconnect: { minUptime: 1_000 } })
		await settled()
		for (const uptime of [0, 999, 1_000, 1_000]) {
			await requests.last.hello()
			await clock.advance(uptime)
			await requests.last.end()
			await clock.advance(1_000)
		}
		const waits = log.filter((entry) => entry.startsWith('reconnecting'))
		expect(waits).toEqual([
			'reconnecting cut !cut in 250',
			'reconnecting cut !cut in 500',
			'reconnecting cut !cut in 250',
			'reconnecting cut !cut in 250'
		])
	})

	test('grows also against a server that answers, and ends every response at once', async ({
		open,
		requests,
		clock,
		chance
	}) => {
		chance.value = 0.999
		requests.serve = goodbye('rotate')
		open()
		await clock.advance(60_000)
		// 0.5 + 1 + 2 + 4 + 8 + 16 s make 31.5 s, and the next wait is 30 s.
		expect(requests.count).toBe(7)
	})

	test('does not become a hot loop by `retry: 0`', async ({ open, requests, clock }) => {
		requests.serve = ending('retry: 0\n\n')
		open()
		await clock.advance(60_000)
		// With chance at 0.5: 0.25 + 0.5 + 1 + 2 + 4 + 8 + 15 + 15 s.
		expect(requests.count).toBe(9)
	})

	test('adds what `retry:` asks for, clamped', async ({ open, requests, clock }) => {
		const { log } = open()
		await settled()
		await requests.last.hello(30_000, 'retry: 7000\n\n')
		await requests.last.end()
		await clock.advance(7_250)
		await requests.last.hello(30_000, 'retry: 99999999\n\n')
		await requests.last.end()
		expect(log.filter((entry) => entry.startsWith('reconnecting'))).toEqual([
			'reconnecting cut !cut in 7250',
			'reconnecting cut !cut in 300500'
		])
	})

	test('adds what `Retry-After` asks for', async ({ open, requests, clock }) => {
		const { log } = open()
		await settled()
		await requests.last.refuse(503, '', { 'retry-after': '12' })
		await clock.advance(12_250)
		const date = new Date(+clock.date() + 60_000)
		date.setUTCMilliseconds(0)
		await requests.last.refuse(429, '', { 'retry-after': date.toUTCString() })
		const wait = +date - +clock.date() + 500
		expect(log.filter((entry) => entry.startsWith('reconnecting'))).toEqual([
			'reconnecting refused !response in 12250',
			`reconnecting refused !response in ${wait}`
		])
	})
})

describe('the policy', () => {
	test('closes after so many attempts in a row', async ({ open, requests, clock }) => {
		requests.serve = failing
		const { log } = open({ reconnect: { attempts: 2 } })
		await clock.advance(60_000)
		expect(log).toEqual([
			'connecting asked',
			'reconnecting network !network in 250',
			'connecting network !network',
			'reconnecting network !network in 500',
			'connecting network !network',
			'closed network !network'
		])
	})

	test('asks `decide` about each loss, with the error, the status and the count', async ({
		open,
		requests,
		clock
	}) => {
		const asked: unknown[] = []
		const { log } = open({
			reconnect: {
				decide({ error, status, attempt }) {
					asked.push([error?.code, status, attempt])
					return attempt < 3 ? 600 * attempt : false
				}
			}
		})
		await settled()
		await requests.last.refuse(404)
		await clock.advance(600)
		await requests.last.fail()
		await clock.advance(1_200)
		await requests.last.refuse(500)
		expect(asked).toEqual([
			['response', 404, 1],
			['network', undefined, 2],
			['response', 500, 3]
		])
		expect(log.filter((entry) => !entry.startsWith('connecting'))).toEqual([
			'reconnecting refused !response in 600',
			'reconnecting network !network in 1200',
			'closed refused !response'
		])
	})

	// Its `retryAt` was a date that is none.
	test('waits for ever when `decide` says so, until it is asked to connect', async ({
		open,
		requests,
		clock
	}) => {
		const { link, witness } = open({ reconnect: { decide: () => Infinity } })
		await settled()
		await requests.last.fail()
		expect(witness.last).toMatchObject({ status: 'reconnecting', retryAt: undefined })
		await clock.advance(86_400_000)
		expect(requests.count).toBe(1)
		link.connect()
		await clock.advance(500)
		expect(requests.count).toBe(2)
	})

	test('does not ask `decide` about an end that is meant', async ({ open, requests }) => {
		const { log } = open({ reconnect: { decide: () => 10 } })
		await settled()
		await requests.last.hello()
		await requests.last.goodbye('done')
		expect(log.at(-1)).toBe('closed done')
	})

	// It left a link behind that said `open`, and had no request and no timer.
	test('goes its own way when `decide` throws', async ({ open, requests, reported }) => {
		const { log } = open({
			reconnect: {
				decide() {
					throw new Error('mine')
				}
			}
		})
		await settled()
		await requests.last.hello()
		await requests.last.end()
		expect(log.at(-1)).toBe('reconnecting cut !cut in 250')
		expect(reported.splice(0)).toMatchObject([{ message: 'mine' }])
	})

	// It went on reconnecting, with nobody to close it.
	test('lets `decide` take the link down', async ({ open, requests, clock }) => {
		const linked = open({
			reconnect: {
				decide() {
					linked.link.leave(linked.witness)
					return 10
				}
			}
		})
		await settled()
		await requests.last.fail()
		await clock.advance(60_000)
		expect(requests.count).toBe(1)
		expect(linked.link.isLive).toBe(false)
	})

	test('of `reconnect: false` closes at each loss, also one that wants the client back', async ({
		open,
		requests
	}) => {
		const { log, link, witness } = open({ reconnect: false })
		await settled()
		await requests.last.hello()
		await requests.last.goodbye('restart')
		link.join(witness)
		link.connect()
		await settled()
		// A new `connect()` right after a loss still waits for `min`.
		expect(log).toEqual([
			'connecting asked',
			'open accepted',
			'closed restart',
			'reconnecting asked in 500'
		])
	})
})

describe('connect()', () => {
	test('does nothing while a request is under way', async ({ open, requests }) => {
		const { link, log } = open()
		link.connect()
		await settled()
		link.connect()
		await requests.last.hello()
		link.connect()
		link.connectAgain()
		expect(log).toEqual(['connecting asked', 'open accepted'])
		expect(requests.count).toBe(1)
	})

	test('brings the next attempt forward', async ({ open, requests, clock }) => {
		const { link, log } = open()
		await settled()
		await requests.last.refuse(503, '', { 'retry-after': '60' })
		await clock.advance(500)
		link.connect()
		await settled()
		expect(log.slice(-2)).toEqual([
			'reconnecting refused !response in 60250',
			'connecting asked !response'
		])
		expect(requests.count).toBe(2)
		// The timer that it replaced is gone.
		await requests.last.hello()
		await clock.advance(60_250)
		expect(requests.count).toBe(2)
	})

	test('is no faster than `min`, and never later than the attempt that is due', async ({
		open,
		requests,
		clock,
		chance
	}) => {
		const { link, log } = open()
		await settled()
		await requests.last.refuse(503, '', { 'retry-after': '60' })
		await clock.advance(100)
		link.connect()
		link.connect()
		expect(log.at(-1)).toBe('reconnecting asked !response in 400')
		await clock.advance(400)
		chance.value = 0.01
		await requests.last.fail()
		// `connect()` used to put this attempt off to `min`.
		link.connect()
		expect(log.at(-1)).toBe('reconnecting network !network in 10')
	})

	test('at every loss, as fast as promises go, makes two requests a second', async ({
		open,
		requests,
		clock
	}) => {
		requests.serve = failing
		const { link, witness } = open()
		let told = 0
		witness.transition = ({ status }) => {
			told++
			// Each answer of the link used to be another transition, and so another call.
			if (status === 'reconnecting') void Promise.resolve().then(() => link.connect())
		}
		await clock.advance(10_000)
		expect(requests.count).toBeLessThanOrEqual(21)
		expect(told).toBeLessThanOrEqual(3 * requests.count)
	})
})

describe('connectAgain(), out of a handler', () => {
	for (const [what, serve] of [
		['refuses', failing],
		['ends every response at once', ending('')],
		['says `done` at once', goodbye('done')],
		['answers 404', (call: Call) => void call.refuse(404)]
	] as const)
		test(`is no storm against a server that ${what}`, async ({ open, requests, clock, chance }) => {
			chance.value = 0.999
			requests.serve = serve
			const { link, witness } = open()
			witness.transition = ({ status }) => {
				if (status !== 'closed' && status !== 'reconnecting') return
				link.join(witness)
				link.connectAgain()
			}
			await clock.advance(60_000)
			expect(requests.count).toBe(7)
		})

	test('is immediate after a link that had lasted', async ({ open, requests, clock }) => {
		const { link, log, witness } = open()
		await settled()
		await requests.last.hello()
		await clock.advance(5_000)
		await requests.last.goodbye('done')
		link.join(witness)
		link.connectAgain()
		expect(log.slice(-2)).toEqual(['closed done', 'connecting asked'])
	})

	// `close(); connect()` forgot all losses, and with them the back-off.
	test('is no storm either when the handler closes first', async ({
		open,
		requests,
		clock,
		chance
	}) => {
		chance.value = 0.999
		requests.serve = failing
		const { link, witness } = open()
		witness.transition = ({ status, reason }) => {
			if (status !== 'reconnecting' || reason === 'asked') return
			link.leave(witness)
			link.join(witness)
			link.connectAgain()
		}
		await clock.advance(60_000)
		expect(requests.count).toBe(7)
	})
})

test('there is never more than one timer', async ({ open, requests, clock, page }) => {
	const { link } = open({ pauseAfter: 5_000 })
	const seen: number[] = []
	const look = () => seen.push(clock.timers)
	await settled()
	look()
	await requests.last.hello()
	look()
	await page.hide()
	look()
	await requests.last.end()
	look()
	link.connect()
	look()
	await page.show()
	look()
	await page.tell('offline')
	look()
	expect(seen).toEqual([1, 1, 1, 1, 1, 1, 1])
})
