import type { SseError } from '../errors.js'
import { report } from './report.js'
import type { Reason, ReconnectOptions } from './types.js'

// What follows a loss. Everything here takes time and chance as arguments.

export interface Loss {
	reason: Reason
	error?: SseError
	/** Milliseconds the server asked for, by `retry:` or `Retry-After`. */
	wait?: number
}

export type Policy = Record<'min' | 'max' | 'attempts' | 'minUptime', number> &
	Pick<ReconnectOptions, 'decide'>

/** What the options say, and the defaults where they say nothing. */
export function policyOf({
	min = 500,
	max = 30_000,
	attempts = Infinity,
	minUptime = 5_000,
	decide
}: ReconnectOptions): Policy {
	return { min, max, attempts, minUptime, decide }
}

/** The longest wait that a server can ask for, in milliseconds. */
const mostAsked = 300_000

/** Endings that are meant: nobody has to decide about them. */
const final: readonly Reason[] = ['done', 'denied', 'complete', 'no-content', 'outdated']

/** The server wants the client back at once. */
const atOnce: readonly Reason[] = ['rotate', 'expired']

// 408 Request Timeout, 425 Too Early and 429 Too Many Requests pass; other answers below 500 will be the same again.
const passing = [408, 425, 429]

/**
 * Full jitter: a random part of a cap that doubles with each attempt; on top of what the server asked for.
 *
 * @param attempt 1 for the first
 * @param random a number from 0 up to, not including, 1
 */
export function nextDelay(
	attempt: number,
	{ min, max }: Policy,
	asked: number,
	random: number
): number {
	// Without a bound the power would be infinite one day, and a `min` of 0 times that no number.
	const cap = Math.min(max, min * 2 ** Math.min(attempt - 1, 64))
	return Math.min(asked, Math.max(max, mostAsked)) + random * cap
}

/**
 * Milliseconds until the next attempt, or false for none.
 *
 * @param attempt how many losses there were in a row, this one included
 * @param stable whether the link had been up for `minUptime`
 */
export function decideFate(
	{ reason, error, wait = 0 }: Loss,
	attempt: number,
	stable: boolean,
	policy: Policy,
	random: number
): number | false {
	if (final.includes(reason)) return false
	const status = error?.status
	let decided: number | false | undefined
	try {
		decided = policy.decide?.({ error, status, attempt })
	} catch (thrown) {
		report(thrown)
	}
	if (decided === false || attempt > policy.attempts) return false
	// A first attempt may come at once, with a fresh token for one. A loss after a loss waits: a server that refuses every
	// attempt would be asked a thousand times a second.
	if (decided! >= 0) return attempt === 1 ? decided! : Math.max(decided!, policy.min)
	if (reason === 'refused' && status! < 500 && !passing.includes(status!)) return false
	if (stable && atOnce.includes(reason)) return 0
	return nextDelay(attempt, policy, wait, random)
}

/**
 * Milliseconds from a `Retry-After` header: seconds, or a date.
 *
 * @param now milliseconds since the epoch
 */
export function parseRetryAfter(value: string | null | undefined, now: number): number | undefined {
	if (!value) return undefined
	const delay = /^\d+$/.test(value.trim()) ? +value * 1_000 : Date.parse(value) - now
	return delay >= 0 ? delay : undefined
}
