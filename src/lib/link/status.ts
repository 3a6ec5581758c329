import type { SseError } from '../errors.js'
import { decideFate, nextDelay, type Loss, type Policy } from './retry.js'
import type { Reason, Status } from './types.js'

// The state machine of a link, as pure functions: a state and what happened give the next state. Time and chance are
// arguments. `link.ts` keeps the request and the timer that a state asks for.
//
//   idle          nobody wants the link
//   connecting    a request is under way
//   open          its response is being read
//   reconnecting  lost; the next attempt is due at `retryAt`, or when the page or the network comes back
//   closed        ended by the server, by the user, or by an error that trying again would not mend

export interface State {
	readonly status: Status
	/** Why it stands where it stands. */
	readonly reason: Reason
	readonly error: SseError | undefined
	/** Losses in a row; the count starts over once a link has stayed up for `minUptime`. */
	readonly losses: number
	/** When the next attempt is due. */
	readonly retryAt: number | undefined
	/** When the last attempt began. */
	readonly triedAt: number | undefined
	/** When the response under way was accepted. */
	readonly openedAt: number | undefined
	/** Whether the last ending was the user's own, or that of a link that had lasted. */
	readonly settled: boolean
}

export const initial: State = {
	status: 'idle',
	reason: 'unused',
	error: undefined,
	losses: 0,
	retryAt: undefined,
	triedAt: undefined,
	openedAt: undefined,
	settled: true
}

/** Nothing is left of what was, and nothing is wanted. */
export const closed: State = { ...initial, status: 'closed', reason: 'local' }

/** Whether a request is under way. */
export function isActive(state: State): boolean {
	return state.status === 'connecting' || state.status === 'open' || isDoubted(state)
}

/** The browser says that the network is gone, but the response has not ended: its next byte would prove it alive. */
export function isDoubted(state: State): boolean {
	return state.status === 'reconnecting' && state.openedAt !== undefined
}

/** Someone wants the link up. While a request is under way this changes nothing. */
export function connect(state: State, now: number, policy: Policy): State {
	if (isActive(state)) return state
	// A handler that connects anew at each loss must not become a loop as fast as the network.
	const earliest = state.losses > 0 ? (state.triedAt ?? now) + policy.min : now
	if (earliest <= now) return attempt(state, now, 'asked')
	if (state.retryAt !== undefined && state.retryAt <= earliest) return state
	return { ...state, status: 'reconnecting', reason: 'asked', retryAt: earliest }
}

/** As `connect`, but out of a close handler: after a link that did not last it goes through the back-off. */
export function connectAgain(state: State, now: number, policy: Policy, random: number): State {
	const isDue = state.settled && state.retryAt !== undefined
	// What waits for its back-off, or for the page that paused it, goes on waiting.
	if (isActive(state) || (state.status === 'reconnecting' && !isDue)) return state
	if (state.settled) return attempt(state, now, 'asked')
	const retryAt = now + nextDelay(Math.max(1, state.losses), policy, 0, random)
	return { ...state, status: 'reconnecting', reason: 'asked', retryAt }
}

/** The next attempt begins. */
export function attempt(state: State, now: number, reason: Reason = state.reason): State {
	return {
		...state,
		status: 'connecting',
		reason,
		retryAt: undefined,
		triedAt: now,
		openedAt: undefined
	}
}

export function accepted(state: State, now: number): State {
	return { ...state, status: 'open', reason: 'accepted', error: undefined, openedAt: now }
}

/** The response ended, was refused, or never came. */
export function lost(state: State, loss: Loss, now: number, policy: Policy, random: number): State {
	const stable = state.openedAt !== undefined && now - state.openedAt >= policy.minUptime
	const losses = (stable ? 0 : state.losses) + 1
	const fate = decideFate(loss, losses, stable, policy, random)
	return {
		...state,
		status: fate === false ? 'closed' : 'reconnecting',
		reason: loss.reason,
		error: loss.error,
		losses,
		retryAt: fate === false ? undefined : now + fate,
		openedAt: undefined,
		settled: stable
	}
}

/** The last reader has left. To close a link that was lost, and connect anew, is no way around the back-off. */
export function unused(state: State): State {
	const { losses, triedAt, settled } = state.status === 'open' ? initial : state
	return { ...initial, losses, triedAt, settled }
}

/** The page was hidden for too long, or left: nothing is under way until it comes back. */
export function paused(state: State, reason: 'hidden' | 'away'): State {
	if (state.status === 'idle' || state.status === 'closed') return state
	return {
		...state,
		status: 'reconnecting',
		reason,
		error: undefined,
		retryAt: undefined,
		openedAt: undefined
	}
}

/** The page, or the network, is back: whatever waits need not wait any longer. */
export function resumed(state: State, now: number): State {
	if (state.status !== 'reconnecting' || isDoubted(state)) return state
	return attempt(state, now)
}

/** The browser lost the network. The response is kept: on the local machine, or over another interface, it may live on. */
export function doubted(state: State): State {
	return state.status === 'open' ? { ...state, status: 'reconnecting', reason: 'offline' } : state
}

/** Bytes came over a link in doubt. */
export function trusted(state: State): State {
	return isDoubted(state) ? { ...state, status: 'open', reason: 'accepted' } : state
}
