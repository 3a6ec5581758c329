import type { SseError } from '../errors.js'
import type { LossInfo, Reason, ReconnectOptions } from './types.js'

// What follows a loss. Everything here takes time and chance as arguments.

export interface Loss {
	reason: Reason
	error?: SseError
	/** Milliseconds the server asked for, by `retry:` or `Retry-After`. */
	wait?: number
}

/** Milliseconds until the next attempt, or false for none. */
export type Fate = number | false

export const policyDefaults = { min: 500, max: 30_000, attempts: Infinity, minUptime: 5_000 }

export type Policy = typeof policyDefaults & Pick<ReconnectOptions, 'decide'>

/** The longest wait that a server can ask for, in milliseconds. */
const mostAsked = 300_000

/** Endings that are meant: nobody has to decide about them. */
const final: ReadonlySet<Reason> = new Set(['done', 'denied', 'complete', 'no-content'])

/** The server wants the client back at once. */
const atOnce: ReadonlySet<Reason> = new Set(['rotate', 'expired'])

// 408 Request Timeout, 425 Too Early and 429 Too Many Requests pass; other answers below 500 will be the same again.
const passing = new Set([408, 425, 429])

/**
 * Full jitter: a random part of a cap that doubles with each attempt; on top of what the server asked for.
 *
 * @param attempt 1 for the first
 * @param random a number from 0 up to, not including, 1
 */
export function nextDelay(attempt: number, policy: Policy, asked: number, random: number): number {
	const cap = Math.min(policy.max, policy.min * 2 ** Math.min(attempt - 1, 30))
	return Math.min(asked, Math.max(policy.max, mostAsked)) + random * cap
}

/**
 * What to do about a loss.
 *
 * @param attempt how many losses there were in a row, this one included
 * @param stable whether the link had been up for `minUptime`
 */
export function decideFate(
	loss: Loss,
	attempt: number,
	stable: boolean,
	policy: Policy | false,
	random: number
): Fate {
	if (!policy || final.has(loss.reason)) return false
	const decided = policy.decide?.(lossInfo(loss, attempt))
	if (decided === false) return false
	if (attempt > policy.attempts) return false
	if (typeof decided === 'number' && decided >= 0) return decided
	if (isTerminal(loss)) return false
	if (atOnce.has(loss.reason) && stable) return 0
	return nextDelay(attempt, policy, loss.wait ?? 0, random)
}

function lossInfo(loss: Loss, attempt: number): LossInfo {
	return { error: loss.error, status: loss.error?.status, attempt }
}

function isTerminal(loss: Loss): boolean {
	const status = loss.error?.status
	return loss.reason === 'refused' && status !== undefined && status < 500 && !passing.has(status)
}

/**
 * Milliseconds from a `Retry-After` header: seconds, or a date.
 *
 * @param now milliseconds since the epoch
 */
export function parseRetryAfter(value: string | null, now: number): number | undefined {
	if (value === null) return undefined
	if (/^\d+$/.test(value.trim())) return Number(value) * 1_000
	const date = Date.parse(value)
	return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}
