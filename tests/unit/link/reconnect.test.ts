import { describe, expect } from 'vitest'
import { defineEvents } from '../../../src/lib/contract/define-events.js'
import { typed } from '../../../src/lib/contract/schema.js'
import type { ReconnectOptions } from '../../../src/lib/link/types.js'
import type { Call } from '../../support/requests.js'
import { flushPromises } from '../../../src/lib/testing/flush-promises.js'
import { test } from './fixture.js'

const failing = (call: Call) => call.fail()

/** Answers, and ends at once. */
const ending = (text: string) => (call: Call) => {
	void call.hello(30_000, text)
	void call.end()
}

/** The losses of a log, with the wait that follows each. */
const waitsOf = (log: string[]) => log.filter((entry) => / in \d+$/.test(entry))

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
		expect(waitsOf(log).slice(0, 7)).toEqual(
			[50, 100, 200, 400, 500, 500, 500].map((wait) => `reconnecting network !network in ${wait}`)
		)
	})

	test('starts over once a link has stayed up for `minUptime`, not before', async ({
		open,
		requests,
		clock
	}) => {
		const { log } = open({ reconnect: { minUptime: 1_000 } })
		await flushPromises()
		for (const uptime of [0, 999, 1_000, 1_000]) {
			await requests.last.hello()
			await clock.advance(uptime)
			await requests.last.end()
			await clock.advance(1_000)
		}
		expect(waitsOf(log)).toEqual([
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
		await flushPromises()
		await requests.last.hello(30_000, 'retry: 7000\n\n')
		await requests.last.end()
		await clock.advance(7_250)
		await requests.last.hello(30_000, 'retry: 99999999\n\n')
		await requests.last.end()
		expect(waitsOf(log)).toEqual([
			'reconnecting cut !cut in 7250',
			'reconnecting cut !cut in 300500'
		])
	})

	test('adds what `Retry-After` asks for', async ({ open, requests, clock }) => {
		const { log } = open()
		await flushPromises()
		await requests.last.refuse(503, '', { 'retry-after': '12' })
		await clock.advance(12_250)
		const date = new Date(+clock.date + 60_000)
		date.setUTCMilliseconds(0)
		await requests.last.refuse(429, '', { 'retry-after': date.toUTCString() })
		const wait = +date - +clock.date + 500
		expect(waitsOf(log)).toEqual([
			'reconnecting refused !response in 12250',
			`reconnecting refused !response in ${wait}`
		])
	})
})

describe('from the second loss in a row on the delay', () => {
	test('is at least `min`, whatever chance says', async ({ open, requests, clock, chance }) => {
		chance.value = 0
		requests.serve = failing
		const { log } = open({ reconnect: { min: 300 } })
		await clock.advance(1_000)
		expect(waitsOf(log)).toEqual(
			[0, 300, 300, 300, 300].map((wait) => `reconnecting network !network in ${wait}`)
		)
	})

	test('is at least `min`, whatever `decide` says', async ({ open, requests, clock }) => {
		requests.serve = failing
		const { log } = open({ reconnect: { min: 300, decide: ({ attempt }) => attempt * 100 } })
		await clock.advance(2_000)
		expect(waitsOf(log)).toEqual(
			[100, 300, 300, 400, 500, 600].map((wait) => `reconnecting network !network in ${wait}`)
		)
	})

	test('is at least 100 ms, however small `min` and `max` are', async ({
		open,
		requests,
		clock
	}) => {
		requests.serve = failing
		const { log } = open({ reconnect: { min: 0, max: 0 } })
		await clock.advance(299)
		expect(waitsOf(log)).toEqual(
			[0, 100, 100, 100].map((wait) => `reconnecting network !network in ${wait}`)
		)
	})

	// A link that counts as having lasted at once came back at once, for ever.
	for (const [what, serve, decide] of [
		['`rotate`', goodbye('rotate'), undefined],
		['a cut and `decide: () => 0`', ending(''), () => 0]
	] as const)
		test(`makes no storm of ${what} when \`minUptime\` is 0`, async ({
			open,
			requests,
			clock,
			chance
		}) => {
			chance.value = 0
			requests.serve = (call) => (requests.count < 200 ? serve(call) : undefined)
			open({ reconnect: { minUptime: 0, decide } })
			await clock.advance(1_000)
			expect(requests.count).toBeLessThanOrEqual(11)
		})
})

describe('a stream that delivered an event and ended in order', () => {
	for (const reason of ['restart', 'rotate', 'slow', 'expired'])
		test(`by \`${reason}\` counts no loss, however often it does`, async ({
			open,
			requests,
			clock
		}) => {
			const { log, witness } = open({ reconnect: { min: 300 } })
			await flushPromises()
			for (let round = 0; round < 4; round++) {
				await requests.last.hello(30_000, 'data: a\n\n')
				await requests.last.goodbye(reason)
				expect(witness.last!.attempt).toBe(0)
				await clock.advance(400)
			}
			expect(waitsOf(log)).toEqual(Array(4).fill(`reconnecting ${reason} in 400`))
		})

	test('without a last frame, from a foreign server that means to go on, counts none either', async ({
		open,
		requests,
		clock
	}) => {
		const { log, witness } = open({ reconnect: { min: 300 } })
		await flushPromises()
		for (let round = 0; round < 3; round++) {
			await requests.last.answer('id: 1\ndata: a\n\n')
			await requests.last.end()
			expect(witness.last!.attempt).toBe(0)
			await clock.advance(400)
		}
		expect(waitsOf(log)).toEqual(Array(3).fill('reconnecting complete in 400'))
	})

	test('waits from 250 ms, and up to `min` more', async ({ open, requests, clock, chance }) => {
		const { log } = open({ reconnect: { min: 300 } })
		await flushPromises()
		for (chance.value of [0, 0.999]) {
			await requests.last.hello(30_000, 'data: a\n\n')
			await requests.last.goodbye('restart')
			await clock.advance(550)
		}
		expect(waitsOf(log)).toEqual(['reconnecting restart in 250', 'reconnecting restart in 550'])
	})

	test('waits at least what the server asks for', async ({ open, requests, clock }) => {
		const { log } = open()
		await flushPromises()
		for (const retry of [100, 4_000]) {
			await requests.last.hello(30_000, 'data: a\n\n')
			await requests.last.goodbye('restart', retry)
			await clock.advance(500)
		}
		expect(waitsOf(log)).toEqual(['reconnecting restart in 500', 'reconnecting restart in 4250'])
	})

	// Each `online` made a request at once.
	test('waits 250 ms also when the page or the network is back meanwhile', async ({
		open,
		requests,
		clock,
		page
	}) => {
		requests.serve = ending('data: a\n\n: sveltekit-sse/1 close restart\n\n')
		open()
		for (let round = 0; round < 100; round++) {
			await page.online()
			await page.show()
			await clock.advance(10)
		}
		expect(requests.count).toBe(5)
	})

	test('makes the losses before it forgotten', async ({ open, requests, clock }) => {
		const { log } = open()
		await flushPromises()
		for (const wait of [250, 500, 1_000]) {
			await requests.last.fail()
			await clock.advance(wait)
		}
		await requests.last.hello(30_000, 'data: a\n\n')
		await requests.last.goodbye('restart')
		await clock.advance(500)
		await requests.last.fail()
		expect(waitsOf(log).slice(3)).toEqual([
			'reconnecting restart in 500',
			'reconnecting network !network in 250'
		])
	})

	for (const [what, piece] of [
		['delivered nothing', ''],
		['sent an id alone', 'id: 1\n\n'],
		['sent `retry:` alone', 'retry: 0\n\n']
	] as const)
		test(`is none that ${what}`, async ({ open, requests, clock }) => {
			const { log } = open()
			await flushPromises()
			for (const wait of [250, 500]) {
				await requests.last.hello(30_000, piece)
				await requests.last.goodbye('restart')
				await clock.advance(wait)
			}
			expect(waitsOf(log)).toEqual(['reconnecting restart in 250', 'reconnecting restart in 500'])
		})

	test('is none after which the server says that it failed', async ({ open, requests, clock }) => {
		const { log } = open()
		await flushPromises()
		for (const wait of [250, 500]) {
			await requests.last.hello(30_000, 'data: a\n\n')
			await requests.last.goodbye('error')
			await clock.advance(wait)
		}
		expect(waitsOf(log)).toEqual([
			'reconnecting error !failed in 250',
			'reconnecting error !failed in 500'
		])
	})
})

describe('`retry:`', () => {
	test('stays in force until another comes', async ({ open, requests, clock }) => {
		const { log } = open()
		await flushPromises()
		await requests.last.hello(30_000, 'retry: 7000\n\n')
		await requests.last.end()
		await clock.advance(7_250)
		await requests.last.fail()
		await clock.advance(7_500)
		await requests.last.hello(30_000)
		await clock.advance(5_000)
		await requests.last.end()
		await clock.advance(7_250)
		await requests.last.hello(30_000, 'retry: 0\n\n')
		await clock.advance(5_000)
		await requests.last.end()
		expect(waitsOf(log)).toEqual([
			'reconnecting cut !cut in 7250',
			'reconnecting network !network in 7500',
			'reconnecting cut !cut in 7250',
			'reconnecting cut !cut in 250'
		])
	})

	// It was forgotten where the client gave the stream up.
	test('stays in force when the network or the page broke the stream off', async ({
		open,
		requests,
		clock,
		page
	}) => {
		const { log } = open()
		await flushPromises()
		await requests.last.hello(30_000, 'retry: 7000\n\n')
		await page.offline()
		await page.online()
		expect(log.at(-1)).toBe('reconnecting offline in 7250')
		await clock.advance(7_250)
		await requests.last.hello(30_000, 'retry: 9000\n\n')
		await page.leave()
		await page.comeBack()
		await requests.last.fail()
		expect(log.at(-1)).toBe('reconnecting network !network in 9500')
	})

	test('does not bind connect(), `online` and the page', async ({
		open,
		requests,
		clock,
		page
	}) => {
		const { link } = open()
		await flushPromises()
		for (const ask of [() => link.connect(), () => page.online(), () => page.show()]) {
			await requests.last.hello(30_000, 'retry: 60000\n\n')
			await clock.advance(5_000)
			await requests.last.end()
			await clock.advance(500)
			const { count } = requests
			await ask()
			await flushPromises()
			expect(requests.count, String(ask)).toBe(count + 1)
		}
	})
})

describe('`Retry-After`', () => {
	test('binds connect(), want(), those who leave and come, `online` and the page', async ({
		open,
		requests,
		clock,
		page
	}) => {
		const { link, log, witness } = open()
		await flushPromises()
		await requests.last.refuse(503, '', { 'retry-after': '60' })
		const steps = [
			() => link.connect(),
			() => link.want(),
			() => page.online(),
			() => page.offline(),
			() => page.online(),
			() => page.hide(),
			() => page.show(),
			() => page.resume(),
			() => page.leave(),
			() => page.comeBack(),
			() => link.leave(witness),
			() => link.join(witness, undefined),
			() => link.want(),
			() => link.connect()
		]
		for (const step of steps) {
			await step()
			await clock.advance(4_000)
			expect(requests.count, String(step)).toBe(1)
		}
		expect(link.isLive).toBe(true)
		await clock.advance(3_999)
		expect(requests.count).toBe(1)
		await clock.advance(1)
		expect(requests.count).toBe(2)
		expect(log.slice(1, 3)).toEqual([
			'reconnecting refused !response in 60250',
			'reconnecting refused !response in 52000'
		])
	})

	test('binds a link that the refusal closed', async ({ open, requests, clock }) => {
		const { link, log, witness } = open({ reconnect: false })
		await flushPromises()
		await requests.last.refuse(429, '', { 'retry-after': '60' })
		await clock.advance(10_000)
		link.join(witness, undefined)
		link.connect()
		expect(log.slice(1)).toEqual([
			'closed refused !response',
			'reconnecting asked !response in 50000'
		])
	})

	test('binds for five minutes at most, or for `max` if that is longer', async ({
		open,
		requests
	}) => {
		for (const [max, wait] of [
			[30_000, 300_250],
			[600_000, 600_250]
		] as const) {
			const { log } = open({ reconnect: { max } })
			await flushPromises()
			await requests.last.refuse(503, '', { 'retry-after': '86400' })
			expect(log.at(-1)).toBe(`reconnecting refused !response in ${wait}`)
		}
	})

	test('binds no longer than it says', async ({ open, requests, clock }) => {
		const { log } = open()
		await flushPromises()
		await requests.last.refuse(503, '', { 'retry-after': '60' })
		await clock.advance(60_250)
		await requests.last.refuse(503)
		expect(log.at(-1)).toBe('reconnecting refused !response in 500')
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
			'reconnecting network !network',
			'reconnecting network !network in 500',
			'reconnecting network !network',
			'closed network !network'
		])
	})

	test('asks `decide` about each loss, with the reason, the error, the status and the count', async ({
		open,
		requests,
		clock
	}) => {
		const asked: unknown[] = []
		const { log } = open({
			reconnect: {
				decide({ reason, error, status, attempt }) {
					asked.push([reason, error?.code, status, attempt])
					return attempt < 3 ? 600 * attempt : false
				}
			}
		})
		await flushPromises()
		await requests.last.refuse(404)
		await clock.advance(600)
		await requests.last.fail()
		await clock.advance(1_200)
		await requests.last.refuse(500)
		expect(asked).toEqual([
			['refused', 'response', 404, 1],
			['network', 'network', undefined, 2],
			['refused', 'response', 500, 3]
		])
		expect(log.slice(1)).toEqual([
			'reconnecting refused !response in 600',
			'reconnecting refused !response',
			'reconnecting network !network in 1200',
			'reconnecting network !network',
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
		await flushPromises()
		await requests.last.fail()
		expect(witness.last).toMatchObject({ status: 'reconnecting', retryAt: undefined })
		await clock.advance(86_400_000)
		expect(requests.count).toBe(1)
		link.connect()
		await clock.advance(500)
		expect(requests.count).toBe(2)
	})

	// The next attempt came after the milliseconds that `decide` gave.
	test('waits for `Retry-After` whatever `decide` says', async ({ open, requests, clock }) => {
		const { log } = open({ reconnect: { decide: () => 100 } })
		await flushPromises()
		await requests.last.refuse(503, '', { 'retry-after': '2' })
		expect(log.at(-1)).toBe('reconnecting refused !response in 2000')
		await clock.advance(1_999)
		expect(requests.count).toBe(1)
		await clock.advance(1)
		expect(requests.count).toBe(2)
	})

	const endings: [string, (call: Call) => Promise<void>][] = [
		['restart', (call) => call.goodbye('restart')],
		['rotate', (call) => call.goodbye('rotate')],
		['slow', (call) => call.goodbye('slow')],
		['expired', (call) => call.goodbye('expired')],
		['error', (call) => call.goodbye('error')],
		['cut', (call) => call.end()]
	]
	for (const [reason, end] of endings)
		test(`asks \`decide\` about \`${reason}\``, async ({ open, requests }) => {
			const asked: string[] = []
			const { log } = open({ reconnect: { decide: ({ reason }) => (asked.push(reason), 70) } })
			await flushPromises()
			await requests.last.hello()
			await end(requests.last)
			expect(asked).toEqual([reason])
			expect(log.at(-1)).toMatch(new RegExp(`^reconnecting ${reason} .*in 70$`))
		})

	test('asks `decide` about a foreign stream that is complete, and about a network that is back', async ({
		open,
		requests,
		clock,
		page
	}) => {
		const asked: string[] = []
		const { log } = open({ reconnect: { decide: ({ reason }) => (asked.push(reason), 600) } })
		await flushPromises()
		await requests.last.answer('data: a\n\n')
		await requests.last.end()
		await clock.advance(600)
		await requests.last.answer()
		await page.offline()
		await page.online()
		expect(asked).toEqual(['complete', 'offline'])
		expect(waitsOf(log)).toEqual(['reconnecting complete in 600', 'reconnecting offline in 600'])
	})

	const contract = defineEvents({ a: typed<1>() }, { version: 4, since: 2 })
	/** Answers with a stream of that version of the contract. */
	const announcing = (versions: string) => (call: Call) =>
		call.answer(`: sveltekit-sse/1 hello ping=0 events=${versions}\n\n`)

	test('asks `decide` about a server that is `behind`', async ({ open, requests }) => {
		const asked: unknown[] = []
		const decide: ReconnectOptions['decide'] = ({ reason, error }) => {
			asked.push([reason, error?.code])
			return 70
		}
		const { log } = open({ reconnect: { decide }, events: contract })
		await flushPromises()
		await announcing('1,1')(requests.last)
		expect(asked).toEqual([['behind', 'version']])
		expect(log.at(-1)).toBe('reconnecting behind !version in 70')
	})

	const meant: [string, (call: Call) => unknown, string][] = [
		['done', ending(': sveltekit-sse/1 close done\n\n'), 'closed done'],
		['denied', ending(': sveltekit-sse/1 close denied\n\n'), 'closed denied !denied'],
		['no-content', (call) => call.refuse(204), 'closed no-content'],
		['outdated', announcing('6,5'), 'closed outdated !version']
	]
	for (const [reason, serve, last] of meant)
		test(`does not ask \`decide\` about \`${reason}\`, which is meant`, async ({
			open,
			requests
		}) => {
			requests.serve = serve
			let calls = 0
			const reconnect = { decide: () => (calls++, 10) }
			const { log } = open({ reconnect, events: contract })
			await flushPromises()
			expect([log.at(-1), calls]).toEqual([last, 0])
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
		await flushPromises()
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
		await flushPromises()
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
		await flushPromises()
		await requests.last.hello()
		await requests.last.goodbye('restart')
		link.join(witness, undefined)
		link.connect()
		await flushPromises()
		// A new `connect()` right after a loss still waits for the back-off.
		expect(log).toEqual([
			'connecting asked',
			'open accepted',
			'closed restart',
			'reconnecting asked in 250'
		])
	})
})

describe('connect()', () => {
	test('does nothing while a request is under way', async ({ open, requests }) => {
		const { link, log } = open()
		link.connect()
		await flushPromises()
		link.connect()
		await requests.last.hello()
		link.connect()
		link.want()
		expect(log).toEqual(['connecting asked', 'open accepted'])
		expect(requests.count).toBe(1)
	})

	test('brings the next attempt forward', async ({ open, requests, clock }) => {
		const { link, log } = open()
		await flushPromises()
		await requests.last.hello(30_000, 'retry: 60000\n\n')
		await requests.last.end()
		await clock.advance(500)
		link.connect()
		await flushPromises()
		expect(log.slice(-2)).toEqual(['reconnecting cut !cut in 60250', 'reconnecting asked !cut'])
		expect(requests.count).toBe(2)
		// The timer that it replaced is gone.
		await requests.last.hello()
		await clock.advance(60_250)
		expect(requests.count).toBe(2)
	})

	test('within `min` of the loss is an answer to it: the attempt that is due stays', async ({
		open,
		requests,
		clock,
		chance
	}) => {
		const { link, log } = open()
		await flushPromises()
		await requests.last.hello(30_000, 'retry: 60000\n\n')
		await requests.last.end()
		await clock.advance(499)
		link.connect()
		link.connect()
		await flushPromises()
		expect([log.at(-1), requests.count]).toEqual(['reconnecting cut !cut in 60250', 1])
		await clock.advance(1)
		link.connect()
		await flushPromises()
		expect([log.at(-1), requests.count]).toEqual(['reconnecting asked !cut', 2])
		await requests.last.hello(30_000, 'retry: 0\n\n')
		await clock.advance(5_000)
		chance.value = 0.01
		await requests.last.end()
		// `connect()` used to put this attempt off to `min`.
		link.connect()
		expect(log.at(-1)).toBe('reconnecting cut !cut in 5')
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

describe('want()', () => {
	test('lets what waits go on waiting', async ({ open, requests, clock }) => {
		const { link, log } = open()
		await flushPromises()
		await requests.last.hello(30_000, 'retry: 60000\n\n')
		await requests.last.end()
		for (let time = 0; time < 60; time++) {
			link.want()
			await clock.advance(1_000)
		}
		expect([log.at(-1), requests.count]).toEqual(['reconnecting cut !cut in 60250', 1])
		await clock.advance(250)
		expect(requests.count).toBe(2)
	})

	test('opens a link at rest at once', async ({ open, requests }) => {
		const { link, log, witness } = open()
		await flushPromises()
		await requests.last.hello()
		link.leave(witness)
		link.join(witness, undefined)
		link.want()
		expect(log.slice(2)).toEqual(['connecting asked'])
	})

	test('is never before the back-off of the last loss, whoever left and came meanwhile', async ({
		open,
		requests,
		clock
	}) => {
		const { link, log, witness } = open()
		await flushPromises()
		await requests.last.hello(30_000, 'retry: 60000\n\n')
		await requests.last.end()
		await clock.advance(10_000)
		link.leave(witness)
		await clock.advance(10_000)
		link.join(witness, undefined)
		link.want()
		expect([link.isLive, log.at(-1)]).toEqual([true, 'reconnecting asked in 40250'])
		await clock.advance(40_249)
		expect(requests.count).toBe(1)
		await clock.advance(1)
		expect(requests.count).toBe(2)
	})
})

describe('an answer to a loss', () => {
	for (const ask of ['want', 'connect'] as const)
		for (const [what, serve] of [
			['refuses', failing],
			['ends every response at once', ending('')],
			['says `done` at once', goodbye('done')],
			['answers 404', (call: Call) => void call.refuse(404)]
		] as const)
			test(`by ${ask}() is no storm against a server that ${what}`, async ({
				open,
				requests,
				clock,
				chance
			}) => {
				chance.value = 0.999
				requests.serve = serve
				const { link, witness } = open()
				witness.transition = ({ status }) => {
					if (status !== 'closed' && status !== 'reconnecting') return
					link.join(witness, undefined)
					link[ask]()
				}
				await clock.advance(60_000)
				expect(requests.count).toBe(7)
			})

	for (const [reason, piece, delay] of [
		['done', '', 250],
		['done', 'data: a\n\n', 500]
	] as const)
		test(`waits ${delay} ms after a link that had lasted and ended with ${JSON.stringify(piece)}`, async ({
			open,
			requests,
			clock
		}) => {
			const { link, log, witness } = open()
			await flushPromises()
			await requests.last.hello(30_000, piece)
			await clock.advance(5_000)
			await requests.last.goodbye(reason)
			link.join(witness, undefined)
			link.want()
			expect(log.slice(-2)).toEqual([`closed ${reason}`, `reconnecting asked in ${delay}`])
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
			link.join(witness, undefined)
			link.want()
		}
		await clock.advance(60_000)
		expect(requests.count).toBe(7)
	})
})

test('there is never more than one timer', async ({ open, requests, clock, page }) => {
	const { link } = open({ pauseAfter: 5_000 })
	const seen: number[] = []
	const look = () => seen.push(clock.timers)
	await flushPromises()
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
	await page.offline()
	look()
	expect(seen).toEqual([1, 1, 1, 1, 1, 1, 1])
})
