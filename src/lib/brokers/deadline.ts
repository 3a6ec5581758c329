import { clock } from '../clock.js'
import { SseError, type SseErrorCode } from '../errors.js'
import { within } from '../parts/within.js'

const reachable = 'see whether it is reachable'

/**
 * If the promise takes longer than `ms`, rejects with `timeout`; what the promise does later is ignored. The message
 * says `limit`: the milliseconds that a whole call may take of which this is the last part.
 */
export function withDeadline<T>(
	promise: Promise<T>,
	ms: number,
	what: string,
	remedy = reachable,
	limit = ms
): Promise<T> {
	return within(promise, ms, () => lateError(what, limit, remedy))
}

function lateError(what: string, limit: number, remedy: string): SseError {
	return new SseError('timeout', `${what} did not answer within ${limit} ms; ${remedy}.`)
}

/** One limit for several steps: together they take at most `ms`. */
export class Budget {
	/** Milliseconds that all steps have together. */
	readonly ms: number
	readonly #end: number

	constructor(ms: number) {
		this.ms = ms
		this.#end = clock.now() + ms
	}

	/** Milliseconds that are left; never negative. */
	get left(): number {
		return Math.max(0, this.#end - clock.now())
	}

	/** The error of a step that the end of the budget has come before. */
	late(what: string): SseError {
		return lateError(what, this.ms, reachable)
	}

	/** If the promise is not settled by the end of the budget, rejects with `timeout`. */
	wait<T>(promise: Promise<T>, what: string, remedy?: string): Promise<T> {
		return withDeadline(promise, this.left, what, remedy, this.ms)
	}
}

/** Resolves after `ms`, or as soon as the signal, if there is one, aborts. Never rejects. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
	return new Promise((resolve) => {
		if (signal?.aborted) return resolve()
		const done = () => {
			clock.clearTimeout(timer)
			signal?.removeEventListener('abort', done)
			resolve()
		}
		const timer = clock.setTimeout(done, ms)
		signal?.addEventListener('abort', done)
	})
}

/** Milliseconds before the next try, after so many that failed: doubling from 50 to 2000, half of it by chance. */
export function retryDelay(failures: number, random = Math.random()): number {
	const longest = Math.min(2_000, 50 * 2 ** failures)
	return longest * (0.5 + random / 2)
}

/** True for what may go away by itself: the engine is not there, or not yet. */
export function isAway(error: unknown): boolean {
	return error instanceof SseError && (error.code === 'network' || error.code === 'timeout')
}

/** It cannot be found out whether an entry was stored: another try might store it twice, or would only meet this again. */
export class UndecidedError extends SseError {
	constructor(message: string, cause?: unknown) {
		super('network', message, { cause })
	}
}

/** The engine was not given the entries at all, such as without a connection to it: nothing can have been stored. */
export class UnsentError extends SseError {
	constructor(message: string, code: SseErrorCode = 'network', cause?: unknown) {
		super(code, message, { cause })
	}
}
