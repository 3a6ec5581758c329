import type { SseError } from '../errors.js'
import { askedDelay, fateOf, orderlyDelayMs, type Loss, type Policy } from './retry.js'
import type { Reason, Status } from './types.js'

// The state machine of a link, as pure functions: a state and an event give the next state. Time and chance are arguments.
// `link.ts` keeps the request and the timer that a state needs.
//
//   idle         nobody wants the link
//   connecting   the first request is under way
//   open         its response is being read
//   doubted      as open, but the browser says that the network is gone: the next byte proves the response alive
//   waiting      lost or paused; the next attempt is due at `retryAt`, or when the page or the network comes back
//   returning    a request after a loss is under way
//   closed       ended by the server, by the user, or by an error that another attempt would not mend

export type Phase = 'idle' | 'connecting' | 'open' | 'doubted' | 'waiting' | 'returning' | 'closed'

export interface State {
	readonly phase: Phase
	/** Why the link is in this phase. */
	readonly reason: Reason
	readonly error: SseError | undefined
	/** Losses in a row; the count starts over once a link has stayed up for `minUptime`. */
	readonly losses: number
	/** When the last response was lost. */
	readonly lostAt: number
	/** When the response under way was accepted. */
	readonly openedAt: number
	/** Whether the browser has lost the network, and nothing has come of the response under way since. */
	readonly isDoubted: boolean
	/** No attempt begins by itself before this time; undefined while waiting: none begins by itself at all. */
	readonly dueAt: number | undefined
	/** The server's `Retry-After`: nothing at all is asked before this time. */
	readonly bindAt: number
	/** The `retry:` in force, in milliseconds. */
	readonly retry: number
	/** When a page that is hidden now will have been hidden for too long. */
	readonly hiddenUntil: number | undefined
}

const never = -Infinity

export const initial: State = {
	phase: 'idle',
	reason: 'unused',
	error: undefined,
	losses: 0,
	lostAt: never,
	openedAt: never,
	isDoubted: false,
	dueAt: undefined,
	bindAt: never,
	retry: 0,
	hiddenUntil: undefined
}

/** The state in the words of users. */
export function statusOf({ phase }: State): Status {
	return phase === 'doubted' || phase === 'waiting' || phase === 'returning'
		? 'reconnecting'
		: phase
}

/** Whether a request is under way, or will be by itself. */
export function isLive({ phase }: State): boolean {
	return phase !== 'idle' && phase !== 'closed'
}

/** Whether a request is under way. */
export function isActive(state: State): boolean {
	return isLive(state) && state.phase !== 'waiting'
}

/** Whether the response is being read. */
export function isUp({ phase }: State): boolean {
	return phase === 'open' || phase === 'doubted'
}

/** Whether a response is there, and nothing of it has come since the network was lost. */
export function isInDoubt(state: State): boolean {
	return isActive(state) && state.isDoubted
}

/** When the next attempt begins by itself. */
export function retryAt(state: State): number | undefined {
	return state.phase === 'waiting' ? state.dueAt : undefined
}

/** Whether the page holds the link back: no time ends that. */
export function isPaused({ phase, dueAt }: State): boolean {
	return phase === 'waiting' && dueAt === undefined
}

/** When the page will have been hidden for too long. */
export function pausesAt(state: State): number | undefined {
	return isLive(state) && !isPaused(state) ? state.hiddenUntil : undefined
}

/** When a link at rest may be asked for again without a wait: closing and reopening does not skip the back-off. */
export function restsUntil({ dueAt = never, bindAt }: State): number {
	return Math.max(dueAt, bindAt)
}

/**
 * A reader, or an answer to a callback, wants the link up. What waits goes on waiting.
 */
export function want(state: State, now: number, policy: Policy): State {
	if (isLive(state)) return state
	return begin(state, now, 'asked', Math.max(restsUntil(state), earliest(state, policy)))
}

/**
 * `connect()`: what waits need not wait for its back-off. In answer to a loss it must not be a way around the back-off; so it
 * is one only after a moment.
 */
export function connect(state: State, now: number, policy: Policy): State {
	if (isActive(state)) return state
	if (now < state.lostAt + policy.min) return want(state, now, policy)
	return begin(state, now, 'asked', earliest(state, policy))
}

/** The page or the network is back: what waits need not wait any longer. */
export function resumed(state: State, now: number, policy: Policy): State {
	if (state.phase !== 'waiting') return state
	return begin(state, now, state.reason, earliest(state, policy))
}

/** The timer of a waiting link has fired. */
export function due(state: State, now: number): State {
	return begin(state, now, state.reason, state.dueAt ?? now)
}

/** The soonest that anything may ask for an attempt: a handler that connects at each loss must not become a storm. */
function earliest({ losses, lostAt, bindAt }: State, { min }: Policy): number {
	const floor = losses > 1 ? min : losses === 0 ? orderlyDelayMs : 0
	return Math.max(bindAt, lostAt + floor)
}

function begin(state: State, now: number, reason: Reason, at: number): State {
	if (state.hiddenUntil !== undefined && state.hiddenUntil <= now) return paused(state, 'hidden')
	if (at > now)
		return state.phase === 'waiting' && state.dueAt !== undefined && state.dueAt <= at
			? state
			: { ...state, phase: 'waiting', reason, dueAt: at }
	return {
		...state,
		phase: state.phase === 'waiting' ? 'returning' : 'connecting',
		reason,
		isDoubted: false,
		dueAt: undefined
	}
}

export function accepted(state: State, now: number): State {
	return { ...state, phase: 'open', reason: 'accepted', error: undefined, openedAt: now }
}

/**
 * The response ended, was refused, or never came.
 *
 * @param isOffline whether the browser says that there is no network: such attempts do not count
 */
export function lost(
	state: State,
	loss: Loss,
	now: number,
	policy: Policy,
	random: number,
	isOffline: boolean
): State {
	const isStable = isUp(state) && now - state.openedAt >= policy.minUptime
	const past = { losses: state.losses, isStable, isOffline, retry: state.retry }
	const { losses, delay, isOver } = fateOf(loss, past, policy, random)
	const bindAt = loss.bind === undefined ? state.bindAt : now + askedDelay(loss.bind, policy)
	return {
		...state,
		losses,
		lostAt: now,
		phase: isOver ? 'closed' : 'waiting',
		reason: loss.reason,
		error: loss.error,
		dueAt: Math.max(now + delay, bindAt),
		bindAt
	}
}

/**
 * The user's `decide` has closed the link when it was asked about a loss, and may have opened it again: the loss counts all
 * the same.
 */
export function lostMeanwhile(
	state: State,
	{ losses, bindAt }: State,
	now: number,
	policy: Policy
): State {
	const next = { ...state, losses, bindAt }
	const at = earliest(next, policy)
	if (isLive(state) && at <= now) return next
	const dueAt = Math.max(state.dueAt ?? never, at)
	return { ...next, phase: isLive(state) ? 'waiting' : state.phase, dueAt }
}

/** The last reader has left. */
export function unused(state: State, policy: Policy): State {
	const past = isUp(state) ? initial : state
	const { losses, dueAt: due = earliest(past, policy) } = past
	// A wait without an end ends with its last reader, but readers who come and go must not be a way around all waits.
	const dueAt = due === Infinity ? state.lostAt + policy.max : due
	return { ...state, phase: 'idle', reason: 'unused', error: undefined, losses, dueAt }
}

/** Nothing is left of the former state, and nothing is wanted. */
export const closed: State = { ...initial, phase: 'closed', reason: 'local' }

/**
 * What a link begins with that takes the place of another, for another URL: changing the URL at each end must not be a way around
 * all waits.
 *
 * @param isSameStream whether it is the same stream, asked for in another way
 * @param isOffline whether the browser says that there is no network: losses are not counted then, and each one waits
 */
export function successor(
	former: State,
	{ min }: Policy,
	isSameStream: boolean,
	isOffline: boolean
): State {
	const { losses, lostAt, bindAt, retry } = former
	const next = isUp(former)
		? initial
		: { ...initial, losses, lostAt, bindAt: isOffline ? lostAt + min : never }
	return isSameStream ? { ...next, bindAt: Math.max(bindAt, next.bindAt), retry } : next
}

/** The page was hidden for too long, or left: nothing is under way until it comes back. */
export function paused(state: State, reason: 'hidden' | 'away'): State {
	if (isPaused(state) && state.reason === reason) return state
	return { ...state, phase: 'waiting', reason, error: undefined, dueAt: undefined }
}

/** The page can be seen, or it is hidden, and may be so until then. */
export function seen(state: State, hiddenUntil: number | undefined): State {
	return state.hiddenUntil === hiddenUntil ? state : { ...state, hiddenUntil }
}

/** The server asks for this wait before each attempt, from now on. */
export function told(state: State, retry: number): State {
	return { ...state, retry }
}

/** The browser lost the network. The response is kept: on the local machine, or over another interface, it may live on. */
export function doubted(state: State): State {
	const next = { ...state, isDoubted: true }
	return state.phase === 'open' ? { ...next, phase: 'doubted', reason: 'offline' } : next
}

/** Bytes came, of a response in doubt too. */
export function trusted(state: State): State {
	if (!state.isDoubted) return state
	const next = { ...state, isDoubted: false }
	return state.phase === 'doubted' ? { ...next, phase: 'open', reason: 'accepted' } : next
}
