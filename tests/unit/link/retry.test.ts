import { describe, expect, test, vi } from 'vitest'
import { SseError } from '../../../src/lib/errors.js'
import {
	askedDelay,
	fateOf,
	nextDelay,
	parseRetryAfter,
	policyOf,
	type Loss
} from '../../../src/lib/link/retry.js'
import type { LossInfo, Reason, ReconnectOptions } from '../../../src/lib/link/types.js'
import { fc } from '../../support/check.js'

const defaults = policyOf({})
const almostOne = 1 - Number.EPSILON

describe('the next delay', () => {
	test('is a random part of a cap that doubles up to `max`', () => {
		const caps = [1, 2, 3, 6, 7, 8, 1_000].map((attempt) =>
			Math.round(nextDelay(attempt, defaults, 0, almostOne))
		)
		expect(caps).toEqual([500, 1_000, 2_000, 16_000, 30_000, 30_000, 30_000])
	})

	test('may be none after the first loss; after each other in a row it is at least `min`', () => {
		const delays = [1, 2, 3, 1_000].map((attempt) => nextDelay(attempt, defaults, 0, 0))
		expect(delays).toEqual([0, 500, 500, 500])
	})

	test('comes on top of what the server asked for', () => {
		const delays = [0, 1_000, 300_000].map((wait) => nextDelay(1, defaults, wait, 0.5))
		expect(delays).toEqual([250, 1_250, 300_250])
		expect(nextDelay(2, defaults, 400, 0)).toBe(500)
	})

	test('keeps to its bounds whatever the policy', () => {
		fc.assert(
			fc.property(
				fc.integer({ min: 1, max: 100_000 }),
				fc.nat(100_000),
				fc.nat(1_000_000),
				fc.nat(1_000_000),
				fc.double({ min: 0, max: almostOne, noNaN: true }),
				(attempt, min, max, wait, random) => {
					const policy = policyOf({ min, max })
					const delay = nextDelay(attempt, policy, wait, random)
					expect(delay).toBeGreaterThanOrEqual(Math.max(wait, attempt > 1 ? policy.min : 0))
					expect(delay).toBeLessThanOrEqual(Math.max(wait + max, policy.min))
				}
			)
		)
	})
})

test('what the server asks for is followed up to five minutes, or up to `max` if that is longer', () => {
	const asked = [0, 1_000, 299_999, 300_000, 300_001, 1e12]
	expect(asked.map((one) => askedDelay(one, defaults))).toEqual([
		0, 1_000, 299_999, 300_000, 300_000, 300_000
	])
	const patient = policyOf({ max: 600_000 })
	expect(asked.map((one) => askedDelay(one, patient)).slice(3)).toEqual([300_000, 300_001, 600_000])
})

describe('the policy', () => {
	// A bound that is undefined made every delay NaN, and the connection never came back.
	test('has the defaults where an option is undefined', () => {
		const nothing = { min: undefined, max: undefined, attempts: undefined, minUptime: undefined }
		expect(policyOf(nothing)).toEqual(defaults)
		expect(defaults).toEqual({
			min: 500,
			max: 30_000,
			attempts: Infinity,
			minUptime: 5_000,
			decide: undefined
		})
	})

	test('has no `min` and no `minUptime` below 100 ms', () => {
		const bounds = [0, 99, 100, 101].map((ms) => policyOf({ min: ms, minUptime: ms }))
		expect(bounds.map(({ min, minUptime }) => [min, minUptime])).toEqual([
			[100, 100],
			[100, 100],
			[100, 100],
			[101, 101]
		])
	})
})

const network: Loss = { reason: 'network', error: new SseError('network', 'down') }
const first = { losses: 1, isStable: false, isOffline: false, retry: 0 }

/** What follows a loss that makes so many, with chance at 0.5: how long to wait, or that it was the end, and how long a link then rests. */
function fate(
	loss: Partial<Loss>,
	tally: Partial<typeof first> = {},
	options: ReconnectOptions = {}
): string {
	const { losses, ...past } = { ...first, ...tally }
	const all = { ...past, losses: losses - 1 }
	const { isOver, delay } = fateOf({ ...network, ...loss }, all, policyOf(options), 0.5)
	return `${isOver ? 'over, rests' : 'waits'} ${delay}`
}

const refused = (status: number): Partial<Loss> => ({
	reason: 'refused',
	error: new SseError('response', 'no', { status })
})

describe('the fate of a loss', () => {
	test.for<[string, Partial<Loss>, Partial<typeof first>, string]>([
		['the first', {}, {}, 'waits 250'],
		['the third in a row', {}, { losses: 3 }, 'waits 1000'],
		['a server that asks for a wait', {}, { retry: 7_000 }, 'waits 7250'],
		['an end that is meant', { reason: 'done' }, {}, 'over, rests 250'],
		['a client that may not read', { reason: 'denied' }, {}, 'over, rests 250'],
		['a 204', { reason: 'no-content' }, {}, 'over, rests 250'],
		['a client that is too old', { reason: 'outdated' }, {}, 'over, rests 250'],
		['a server that is too old', { reason: 'behind' }, {}, 'waits 250'],
		['a foreign stream that is complete', { reason: 'complete' }, {}, 'over, rests 250'],
		['a foreign stream that goes on', { reason: 'complete', isPartial: true }, {}, 'waits 250'],
		['a 404', refused(404), {}, 'over, rests 250'],
		['a 200 that is no stream', refused(200), {}, 'over, rests 250'],
		['a 408', refused(408), {}, 'waits 250'],
		['a 425', refused(425), {}, 'waits 250'],
		['a 429', refused(429), {}, 'waits 250'],
		['a 500', refused(500), {}, 'waits 250'],
		[
			'a request that can never be made',
			{ reason: 'request', isFinal: true },
			{},
			'over, rests 250'
		],
		['a request that cannot be made', { reason: 'request' }, {}, 'waits 250'],
		['a rotation after a long time', { reason: 'rotate' }, { isStable: true }, 'waits 0'],
		[
			'a login that is over, after a long time',
			{ reason: 'expired' },
			{ isStable: true },
			'waits 0'
		],
		['a rotation too soon', { reason: 'rotate' }, {}, 'waits 250'],
		['a restart after a long time', { reason: 'restart' }, { isStable: true }, 'waits 250'],
		['an orderly end', { reason: 'restart', isOrderly: true }, { losses: 0 }, 'waits 500'],
		[
			'an orderly end, with a wait asked for',
			{ reason: 'restart', isOrderly: true },
			{ losses: 0, retry: 7_000 },
			'waits 7250'
		],
		[
			'an end that is meant, after an event',
			{ reason: 'done', isOrderly: true },
			{ losses: 0 },
			'over, rests 500'
		],
		['no network', {}, { isOffline: true }, 'waits 15000'],
		['no network for long', {}, { losses: 9, isOffline: true }, 'waits 15000'],
		['no network, and a wait asked for', {}, { isOffline: true, retry: 7_000 }, 'waits 22000']
	])('%s', ([, loss, tally, expected]) => {
		expect(fate(loss, tally)).toBe(expected)
	})

	test('is an end after so many attempts in a row', () => {
		const fates = [1, 2, 3].map((losses) => fate({}, { losses }, { attempts: 2 }))
		expect(fates).toEqual(['waits 250', 'waits 500', 'over, rests 1000'])
		expect(fate({ isOrderly: true }, { losses: 0 }, { attempts: 0 })).toBe('over, rests 500')
	})

	test('is no end while there is no network, unless there are no attempts at all', () => {
		const fates = [1, 0].map((attempts) => fate({}, { losses: 5, isOffline: true }, { attempts }))
		expect(fates).toEqual(['waits 15000', 'over, rests 15000'])
	})

	test('keeps to the bounds of the policy even without a network', () => {
		expect(fateOf(network, { ...first, isOffline: true }, policyOf({ min: 800 }), 0).delay).toBe(
			800
		)
	})
})

describe('`decide`', () => {
	test('has the say, unless it says nothing of use', () => {
		const says = [false, 0, 7, undefined, NaN, -1] as const
		expect(says.map((said) => fate({}, {}, { decide: () => said }))).toEqual([
			'over, rests 250',
			'waits 0',
			'waits 7',
			'waits 250',
			'waits 250',
			'waits 250'
		])
	})

	test('has the say about refusals and complete streams too', () => {
		const decide = (): number => 7
		for (const loss of [refused(404), { reason: 'complete' as const }])
			expect(fate(loss, {}, { decide })).toBe('waits 7')
	})

	// `decide: () => 0` on a server that answered 401 made 745 requests a second.
	test('from the second loss in a row on cannot go below `min`', () => {
		const delay = (said: number, tally: object) => fate({}, tally, { decide: () => said })
		expect([
			delay(0, { losses: 2 }),
			delay(499, { losses: 3 }),
			delay(700, { losses: 3 }),
			delay(Infinity, { losses: 9 })
		]).toEqual(['waits 500', 'waits 500', 'waits 700', 'waits Infinity'])
	})

	test('cannot go below `min` after an orderly end, which may follow many others', () => {
		expect(fate({ isOrderly: true }, { losses: 0 }, { decide: () => 0 })).toBe('waits 500')
	})

	test('can ask at once for what was lost after a long time', () => {
		expect(fate({}, { losses: 1, isStable: true }, { decide: () => 0 })).toBe('waits 0')
	})

	test('does not make more attempts than there are', () => {
		expect(fate({}, { losses: 3 }, { attempts: 2, decide: () => 7 })).toBe('over, rests 1000')
	})

	test('is told what was lost, and which attempt follows', () => {
		const told: LossInfo[] = []
		const decide = (info: LossInfo): undefined => void told.push(info)
		const { error } = refused(503)
		fate(refused(503), { losses: 4 }, { decide })
		fate({ reason: 'restart', error: undefined, isOrderly: true }, { losses: 0 }, { decide })
		expect(told).toEqual([
			{ reason: 'refused', error, status: 503, attempt: 4 },
			{ reason: 'restart', error: undefined, status: undefined, attempt: 1 }
		])
	})

	test('is asked about every reason but four', () => {
		const reasons: Reason[] = [
			...(['done', 'denied', 'no-content', 'outdated'] as const),
			...(['restart', 'rotate', 'slow', 'expired', 'error', 'complete', 'cut', 'silent'] as const),
			...(['network', 'timeout', 'refused', 'request', 'offline', 'hidden', 'behind'] as const)
		]
		const asked: Reason[] = []
		const decide = ({ reason }: LossInfo): undefined => void asked.push(reason)
		for (const reason of reasons) fate({ reason }, {}, { decide })
		expect(asked).toEqual(reasons.slice(4))
	})

	test('that throws has no say, and its error is reported', () => {
		const spy = vi.spyOn(console, 'error').mockImplementation(() => {})
		const decide = (): never => {
			throw new Error('mine')
		}
		expect(fate({}, {}, { decide })).toBe('waits 250')
		expect(spy.mock.calls).toEqual([[new Error('mine')]])
		spy.mockRestore()
	})
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
