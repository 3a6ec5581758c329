import { describe, expect, test } from 'vitest'
import { SseError } from '../../../src/lib/errors.js'
import { policyOf, type Loss } from '../../../src/lib/link/retry.js'
import * as machine from '../../../src/lib/link/status.js'
import type { Phase, State } from '../../../src/lib/link/status.js'

const policy = policyOf({})
const error = new SseError('network', 'down')

/** The time of each step, unless a test says another. */
const now = 100_000

const state = (phase: Phase, more: Partial<State> = {}): State => ({
	...machine.initial,
	phase,
	isDoubted: phase === 'doubted',
	...more
})

const waiting = (more: Partial<State> = {}): State =>
	state('waiting', { reason: 'cut', losses: 1, lostAt: now - 1_000, dueAt: now + 7_000, ...more })
const paused = state('waiting', { reason: 'hidden' })
const away = state('waiting', { reason: 'away' })

/** What of a state a table shows. */
function show({ phase, reason, dueAt }: State): string {
	return `${phase} ${reason}${dueAt! > -Infinity ? ` due in ${dueAt! - now}` : ''}`
}

const unused = (from: State): State => machine.unused(from, policy)

const lose = (from: State, loss: Partial<Loss> = {}, isOffline = false): State =>
	machine.lost(from, { reason: 'network', error, ...loss }, now, policy, 0.5, isOffline)

describe('a phase', () => {
	test.for<[Phase, string, boolean, boolean, boolean]>([
		// The word of users; whether it is live, active and up.
		['idle', 'idle', false, false, false],
		['connecting', 'connecting', true, true, false],
		['open', 'open', true, true, true],
		['doubted', 'reconnecting', true, true, true],
		['waiting', 'reconnecting', true, false, false],
		['returning', 'reconnecting', true, true, false],
		['closed', 'closed', false, false, false]
	])('%s', ([phase, status, isLive, isActive, isUp]) => {
		const one = state(phase)
		expect([
			machine.statusOf(one),
			machine.isLive(one),
			machine.isActive(one),
			machine.isUp(one)
		]).toEqual([status, isLive, isActive, isUp])
	})
})

describe('a step', () => {
	const { want, connect, resumed, due, paused: pause, doubted, trusted } = machine
	const all: Phase[] = ['idle', 'connecting', 'open', 'doubted', 'waiting', 'returning', 'closed']
	const step: Record<string, (from: State) => State> = {
		want: (from) => want(from, now, policy),
		connect: (from) => connect(from, now, policy),
		resumed: (from) => resumed(from, now, policy),
		due: (from) => due(from, now),
		paused: (from) => pause(from, 'hidden'),
		doubted,
		trusted,
		accepted: (from) => machine.accepted(from, now),
		unused
	}
	const active: Phase[] = ['connecting', 'open', 'doubted', 'returning']

	test.for<[string, State, string]>([
		['want', state('idle'), 'connecting asked'],
		['unused', state('waiting', { lostAt: now - 100 }), 'idle unused due in 150'],
		['want', state('idle', { dueAt: now + 5 }), 'waiting asked due in 5'],
		['want', state('idle', { bindAt: now + 5 }), 'waiting asked due in 5'],
		['want', state('idle', { dueAt: now }), 'connecting asked'],
		['want', state('closed'), 'connecting asked'],
		['want', state('closed', { dueAt: now + 5, bindAt: now + 9 }), 'waiting asked due in 9'],
		['want', state('closed', { dueAt: now + 9, bindAt: now + 5 }), 'waiting asked due in 9'],
		['want', state('closed', { losses: 2, lostAt: now - 100 }), 'waiting asked due in 400'],
		['want', state('closed', { losses: 1, lostAt: now - 100 }), 'connecting asked'],
		['connect', state('idle'), 'connecting asked'],
		['connect', state('idle', { dueAt: now + 5, lostAt: now - 500 }), 'connecting asked'],
		['connect', state('idle', { dueAt: now + 5, lostAt: now - 499 }), 'waiting asked due in 5'],
		['connect', state('idle', { bindAt: now + 5 }), 'waiting asked due in 5'],
		['connect', waiting({ lostAt: now - 500 }), 'returning asked'],
		['connect', waiting({ lostAt: now - 499 }), 'waiting cut due in 7000'],
		['connect', waiting({ bindAt: now + 60_000 }), 'waiting cut due in 7000'],
		['connect', waiting({ bindAt: now + 3_000 }), 'waiting asked due in 3000'],
		['connect', waiting({ dueAt: Infinity }), 'returning asked'],
		['connect', paused, 'returning asked'],
		['resumed', waiting(), 'returning cut'],
		['resumed', waiting({ lostAt: now }), 'returning cut'],
		['resumed', waiting({ losses: 2, lostAt: now - 100 }), 'waiting cut due in 400'],
		['resumed', waiting({ bindAt: now + 3_000 }), 'waiting cut due in 3000'],
		['resumed', waiting({ dueAt: now + 5, bindAt: now + 5 }), 'waiting cut due in 5'],
		['resumed', paused, 'returning hidden'],
		['resumed', away, 'returning away'],
		['resumed', { ...paused, bindAt: now + 3_000 }, 'waiting hidden due in 3000'],
		['due', waiting({ dueAt: now }), 'returning cut'],
		['due', waiting({ dueAt: now, bindAt: now + 3_000 }), 'returning cut'],
		['paused', waiting(), 'waiting hidden'],
		['paused', state('open', { error }), 'waiting hidden'],
		['paused', away, 'waiting hidden'],
		['doubted', state('open'), 'doubted offline'],
		['trusted', state('doubted'), 'open accepted'],
		['accepted', state('connecting', { error }), 'open accepted'],
		['accepted', state('returning', { error }), 'open accepted'],
		['unused', state('open', { losses: 3 }), 'idle unused'],
		['unused', waiting(), 'idle unused due in 7000'],
		['unused', waiting({ dueAt: now }), 'idle unused due in 0'],
		['unused', paused, 'idle unused']
	])('%s from %o is %s', ([name, from, expected]) => {
		expect(show(step[name]!(from))).toBe(expected)
	})

	test.for<[string, Phase[]]>([
		['want', [...active, 'waiting']],
		['connect', active],
		['resumed', all.filter((phase) => phase !== 'waiting')],
		['trusted', all.filter((phase) => phase !== 'doubted')]
	])('%s changes nothing in %j', ([name, phases]) => {
		for (const phase of phases) {
			const from = state(phase, { reason: 'asked', dueAt: phase === 'waiting' ? now : undefined })
			expect(step[name]!(from)).toBe(from)
		}
	})

	test('that doubts a response, or trusts it, changes the phase of what is open only', () => {
		for (const phase of active.filter((phase) => phase !== 'open' && phase !== 'doubted')) {
			const from = state(phase)
			expect(doubted(from)).toEqual({ ...from, isDoubted: true })
			expect(trusted(doubted(from))).toEqual(from)
		}
		expect(trusted(doubted(state('open')))).toEqual(state('open', { reason: 'accepted' }))
	})

	test('is in doubt with the response in doubt, and not with the next', () => {
		const from = doubted(state('returning'))
		expect(machine.isInDoubt(from)).toBe(true)
		const next = lose(from, { reason: 'cut' })
		expect(machine.isInDoubt(next)).toBe(false)
		expect(machine.isInDoubt(due(next, next.dueAt!))).toBe(false)
	})

	test('that pauses what is paused changes nothing', () => {
		expect(pause(paused, 'hidden')).toBe(paused)
		expect(pause(away, 'away')).toBe(away)
	})

	test('that begins is a pause where the page has been hidden for too long', () => {
		const hidden = { hiddenUntil: now }
		for (const [name, from] of [
			['want', state('idle', hidden)],
			['want', state('closed', hidden)],
			['connect', state('idle', hidden)],
			['connect', waiting(hidden)],
			['connect', { ...paused, ...hidden }],
			['resumed', waiting(hidden)],
			['resumed', { ...paused, ...hidden }],
			['due', waiting({ ...hidden, dueAt: now })]
		] as const)
			expect(show(step[name]!(from)), name).toBe('waiting hidden')
		expect(show(step.want!(state('idle', { hiddenUntil: now + 1 })))).toBe('connecting asked')
	})

	test('that opens forgets the error, and keeps the count until the stream has lasted', () => {
		expect(machine.accepted(state('returning', { error, losses: 3 }), now)).toMatchObject({
			error: undefined,
			losses: 3,
			openedAt: now
		})
	})

	test('that leaves keeps the count and the back-off of what is not up, and `Retry-After`', () => {
		const from = waiting({ losses: 3, bindAt: now + 9, retry: 5, error })
		expect(unused(from)).toEqual({ ...from, phase: 'idle', reason: 'unused', error: undefined })
		expect(unused(state('open', { losses: 3 })).losses).toBe(0)
		expect(unused(state('returning', { losses: 3 })).losses).toBe(3)
	})

	test('that leaves ends a wait without an end, though not at once: readers who come and go make no storm', () => {
		const parked = unused(waiting({ dueAt: Infinity, lostAt: now - 9 }))
		expect(machine.restsUntil(parked)).toBe(now - 9 + policy.max)
	})

	test('that closes leaves nothing', () => {
		expect(machine.closed).toEqual({ ...machine.initial, phase: 'closed', reason: 'local' })
	})

	test('that sees what was seen changes nothing', () => {
		const from = state('open', { hiddenUntil: 7 })
		expect(machine.seen(from, 7)).toBe(from)
		expect(machine.seen(from, undefined)).toEqual({ ...from, hiddenUntil: undefined })
	})
})

describe('a loss', () => {
	test.for<[string, State, Partial<Loss>, string, number]>([
		['of the first attempt', state('connecting'), {}, 'waiting network due in 250', 1],
		['of the next', state('returning', { losses: 1 }), {}, 'waiting network due in 500', 2],
		[
			'of a young stream',
			state('open', { losses: 1, openedAt: now - 4_999 }),
			{ reason: 'cut' },
			'waiting cut due in 500',
			2
		],
		[
			'of a stream that had lasted',
			state('open', { losses: 4, openedAt: now - 5_000 }),
			{ reason: 'cut' },
			'waiting cut due in 250',
			1
		],
		[
			'of one in doubt that had lasted',
			state('doubted', { losses: 4 }),
			{ reason: 'offline' },
			'waiting offline due in 250',
			1
		],
		[
			'in order',
			state('open', { losses: 4, openedAt: now }),
			{ reason: 'restart', isOrderly: true },
			'waiting restart due in 500',
			0
		],
		[
			'that is meant',
			state('open', { openedAt: now }),
			{ reason: 'done', isOrderly: true },
			'closed done due in 500',
			0
		],
		[
			'that is final',
			state('connecting'),
			{ reason: 'refused', error: new SseError('response', 'no', { status: 404 }) },
			'closed refused due in 250',
			1
		],
		[
			'with `retry:`',
			state('open', { openedAt: now, retry: 7_000 }),
			{ reason: 'cut' },
			'waiting cut due in 7250',
			1
		],
		[
			'with `retry:` and `Retry-After`, of which the longer counts',
			state('returning', { retry: 7_000 }),
			{ bind: 9_000 },
			'waiting network due in 9250',
			1
		]
	])('%s', ([, from, loss, expected, losses]) => {
		const next = lose(from, { error: undefined, ...loss })
		expect(show(next)).toBe(expected)
		expect(next).toMatchObject({ losses, lostAt: now })
	})

	test('keeps `retry:` and its error', () => {
		expect(lose(state('open', { retry: 7_000 }))).toMatchObject({ error, retry: 7_000 })
		expect(machine.told(state('open', { retry: 7_000 }), 5).retry).toBe(5)
	})

	test('binds as long as `Retry-After` says, and a loss without it does not lift that', () => {
		const bound = lose(state('connecting'), { bind: 60_000 })
		expect(bound.bindAt).toBe(now + 60_000)
		expect(lose(bound).bindAt).toBe(now + 60_000)
		expect(lose(bound, { bind: 0 }).bindAt).toBe(now)
		expect(lose(bound, { bind: 1e12 }).bindAt).toBe(now + 300_000)
	})

	test('without a network counts once at most', () => {
		expect(lose(state('connecting'), {}, true).losses).toBe(1)
		expect(lose(state('returning', { losses: 1 }), {}, true).losses).toBe(1)
		expect(lose(state('returning', { losses: 3 }), {}, true).losses).toBe(3)
		expect(show(lose(state('returning', { losses: 3 }), {}, true))).toBe(
			'waiting network due in 15000'
		)
	})
})

describe('when', () => {
	test('the next attempt is due: only while it waits', () => {
		expect(machine.retryAt(waiting())).toBe(now + 7_000)
		for (const one of [paused, state('idle', { dueAt: 5 }), state('closed', { dueAt: 5 })])
			expect(machine.retryAt(one)).toBe(undefined)
	})

	test('a page has been hidden for too long: only while there is something to pause', () => {
		const hiddenUntil = 5
		const pausing: Phase[] = ['connecting', 'open', 'doubted', 'returning']
		for (const phase of pausing) expect(machine.pausesAt(state(phase, { hiddenUntil }))).toBe(5)
		expect(machine.pausesAt(waiting({ hiddenUntil }))).toBe(5)
		for (const one of [state('idle'), state('closed'), paused])
			expect(machine.pausesAt({ ...one, hiddenUntil })).toBe(undefined)
	})

	test('a link at rest may be asked again: after its back-off, and after `Retry-After`', () => {
		expect(machine.restsUntil(machine.initial)).toBe(-Infinity)
		expect(machine.restsUntil(state('closed', { dueAt: 5, bindAt: 3 }))).toBe(5)
		expect(machine.restsUntil(state('idle', { dueAt: 3, bindAt: 5 }))).toBe(5)
	})

	test('a page holds a link back: while it waits for nothing else', () => {
		expect(
			[paused, away, waiting(), waiting({ dueAt: Infinity }), state('idle')].map(machine.isPaused)
		).toEqual([true, true, false, false, false])
	})
})
