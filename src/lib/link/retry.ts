import type { SseError } from '../errors.js'
import { report } from '../parts/report.js'
import type { Reason, ReconnectOptions } from './types.js'

// What follows a loss. Everything here takes time and chance as arguments.

export interface Loss {
	reason: Reason
	error?: SseError | undefined
	/** Another attempt would meet the same. */
	isFinal?: boolean | undefined
	/** The stream delivered something and ended as it should: no failure. */
	isOrderly?: boolean | undefined
	/** A foreign stream that means to be continued: it sent ids or `retry:`. */
	isPartial?: boolean | undefined
	/** Milliseconds of a `Retry-After` header. */
	bind?: number | undefined
}

export type Policy = Record<'min' | 'max' | 'attempts' | 'minUptime', number> &
	Pick<ReconnectOptions, 'decide'>

/** The options, and the defaults where they say nothing. */
export function policyOf({
	min = 500,
	max = 30_000,
	attempts = Infinity,
	minUptime = 5_000,
	decide
}: ReconnectOptions): Policy {
	const least = (setting: number): number => Math.max(setting, minDelayMs)
	return { min: least(min), max, attempts, minUptime: least(minUptime), decide }
}

/** The longest wait that a server can ask for, in milliseconds. */
const maxAskedMs = 300_000
/** Milliseconds before a stream that ended in order is asked for again; a random part of `min` is added. */
export const orderlyDelayMs = 250

/**
 * Whatever the options say: a server that refuses every attempt, or ends every stream, must not be asked a thousand times a
 * second.
 */
const minDelayMs = 100

/** Endings that are meant: nothing has to be decided. */
const final: readonly Reason[] = ['done', 'denied', 'no-content', 'outdated']

/** The server wants the client back at once. */
const atOnce: readonly Reason[] = ['rotate', 'expired']

// 408 Request Timeout, 425 Too Early and 429 Too Many Requests pass; other answers below 500 will be the same again.
const passing = [408, 425, 429]

/** The wait that a server asks for, as far as it is followed: a mistake must not silence a page for a day. */
export function askedDelay(asked: number, { max }: Policy): number {
	return Math.min(asked, Math.max(max, maxAskedMs))
}

/**
 * Full jitter: a random part of a cap that doubles with each attempt; on top of the wait that the server asked for. After
 * a loss in a row it is at least `min`.
 *
 * @param attempt 1 for the first
 * @param random a number from 0 up to, not including, 1
 */
export function nextDelay(
	attempt: number,
	{ min, max }: Policy,
	wait: number,
	random: number
): number {
	// Where `max` is infinite, the power must not become so.
	const cap = Math.min(max, min * 2 ** Math.min(attempt - 1, 64))
	return Math.max(wait + random * cap, attempt > 1 ? min : 0)
}

/**
 * Losses in a row.
 *
 * @param before how many there were
 * @param isStable whether the link had been up for `minUptime`
 */
export function countOf(before: number, loss: Loss, isStable: boolean, isOffline: boolean): number {
	if (loss.isOrderly) return 0
	if (isStable) return 1
	return isOffline ? Math.max(1, before) : before + 1
}

/** What came before a loss. */
interface Past {
	/** Losses in a row. */
	losses: number
	/** Whether the link had been up for `minUptime`. */
	isStable: boolean
	isOffline: boolean
	/** The `retry:` in force, in milliseconds. */
	retry: number
}

/** What follows a loss. */
interface Fate {
	/** Losses in a row, this one included. */
	losses: number
	isOver: boolean
	/** Milliseconds before which nothing is asked again by itself. */
	delay: number
}

export function fateOf(loss: Loss, past: Past, policy: Policy, random: number): Fate {
	const { isStable, isOffline, retry } = past
	const losses = countOf(past.losses, loss, isStable, isOffline)
	const bind = askedDelay(loss.bind ?? 0, policy)
	const fate = (isOver: boolean, delay: number): Fate => ({
		losses,
		isOver,
		delay: Math.max(delay, bind)
	})
	const wait = Math.max(askedDelay(retry, policy), bind)
	const attempt = Math.max(1, losses)
	let delay = nextDelay(attempt, policy, wait, random)
	// The event `online` will end the wait.
	if (isOffline) delay = Math.max(policy.min, wait + random * policy.max)
	if (loss.isOrderly) delay = Math.max(wait, orderlyDelayMs) + random * policy.min
	if (isStable && atOnce.includes(loss.reason)) delay = 0
	if (final.includes(loss.reason)) return fate(true, delay)
	const choice = ask(loss, attempt, policy)
	// Without a network no attempt can succeed, and none is counted.
	const isUsedUp = attempt > policy.attempts && !(isOffline && policy.attempts > 0)
	if (choice === false || isUsedUp) return fate(true, delay)
	if (!(typeof choice === 'number' && choice >= 0)) return fate(isMeant(loss), delay)
	// The first attempt after a stream that was lost may come at once, with a fresh token for one. Losses without a network
	// are not counted: each would be the first.
	const isFirst = isStable || (losses === 1 && !isOffline)
	return fate(false, isFirst ? choice : Math.max(choice, policy.min))
}

function ask(
	{ reason, error }: Loss,
	attempt: number,
	{ decide }: Policy
): number | false | undefined {
	try {
		return decide?.({ reason, error, status: error?.status, attempt })
	} catch (thrown) {
		report(thrown)
		return undefined
	}
}

/** Whether another attempt would meet the same. */
function isMeant({ reason, error, isPartial, isFinal }: Loss): boolean {
	if (reason === 'complete') return !isPartial
	if (isFinal) return true
	const status = error?.status
	return reason === 'refused' && status! < 500 && !passing.includes(status!)
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
