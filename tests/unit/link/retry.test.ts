import { fc } from '../../support/check.js'
import { describe, expect, test } from 'vitest'
import { decideFate, nextDelay, parseRetryAfter, policyOf } from '../../../src/lib/link/retry.js'

const defaults = policyOf({})
const almostOne = 1 - Number.EPSILON

describe('the next delay', () => {
	test('is a random part of a cap that doubles up to `max`', () => {
		const caps = [1, 2, 3, 6, 7, 8, 1_000].map((attempt) =>
			Math.round(nextDelay(attempt, defaults, 0, almostOne))
		)
		expect(caps).toEqual([500, 1_000, 2_000, 16_000, 30_000, 30_000, 30_000])
		expect(nextDelay(1_000, defaults, 0, 0)).toBe(0)
	})

	test('comes on top of what the server asked for, up to five minutes', () => {
		const delays = [0, 1_000, 299_999, 1e9].map((asked) => nextDelay(1, defaults, asked, 0.5))
		expect(delays).toEqual([250, 1_250, 300_249, 300_250])
	})

	test('keeps to its bounds whatever the policy', () => {
		fc.assert(
			fc.property(
				fc.integer({ min: 1, max: 100_000 }),
				fc.nat(100_000),
				fc.nat(1_000_000),
				fc.double({ min: 0, max: 1e12, noNaN: true }),
				fc.double({ min: 0, max: almostOne, noNaN: true }),
				(attempt, min, max, asked, random) => {
					const delay = nextDelay(attempt, { ...defaults, min, max }, asked, random)
					const wait = Math.min(asked, Math.max(max, 300_000))
					expect(delay).toBeGreaterThanOrEqual(wait)
					expect(delay).toBeLessThanOrEqual(wait + max)
				}
			)
		)
	})
})

// A bound that is undefined made every delay NaN, and the connection never came back.
test('the defaults hold where an option is undefined', () => {
	const nothing = { min: undefined, max: undefined, attempts: undefined, minUptime: undefined }
	expect(policyOf(nothing)).toEqual(defaults)
})

describe('the fate of a loss', () => {
	const fate = (policy: object, attempt = 1) =>
		decideFate({ reason: 'network' }, attempt, false, { ...defaults, ...policy }, 0.5)

	test('is an end after so many attempts in a row', () => {
		expect([fate({ attempts: 2 }, 2), fate({ attempts: 2 }, 3)]).toEqual([500, false])
	})

	test('is what `decide` says, unless it says nothing of use', () => {
		const says = [false, 0, 7, undefined, NaN, -1].map((said) => fate({ decide: () => said }))
		expect(says).toEqual([false, 0, 7, 250, 250, 250])
	})
})

// `decide: () => 0` on a server that answered 401 made 745 requests a second.
test('from the second loss in a row on, `decide` cannot go below `min`', () => {
	const delay = (said: number, attempt: number) =>
		decideFate({ reason: 'refused' }, attempt, false, { ...defaults, decide: () => said }, 0)
	expect([delay(0, 1), delay(0, 2), delay(499, 3), delay(700, 3), delay(Infinity, 9)]).toEqual([
		0,
		500,
		500,
		700,
		Infinity
	])
})

describe('Retry-After', () => {
	const now = Date.UTC(2030, 0, 1)
	const cases: [string | null, number | undefined][] = [
		[null, undefined],
		['', undefined],
		['0', 0],
		[' 120 ', 120_000],
		['1.5', undefined],
		['-1', undefined],
		['soon', undefined],
		['Tue, 01 Jan 2030 00:01:00 GMT', 60_000],
		['Mon, 31 Dec 2029 23:59:00 GMT', undefined]
	]
	for (const [value, expected] of cases)
		test(`of ${JSON.stringify(value)} means ${expected}`, () => {
			expect(parseRetryAfter(value, now)).toBe(expected)
		})
})
