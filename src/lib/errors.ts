/**
 * What went wrong, as a stable word that code can switch on.
 *
 * Misuse (thrown or returned at the call): `invalid-argument`, `invalid-url`.
 * A stream that ended: `closed`. A full buffer: `overflow`. Data that cannot be sent: `serialize`.
 * The link: `network` (no response), `response` (a refused or foreign response), `cut` (ended without a reason),
 * `silent` (the watchdog), `timeout` (connecting, or waiting in `next()`), `request` (headers, body or URL could
 * not be made), `aborted` (the user's signal), `denied` and `failed` (the server said so), `too-large` (one event
 * over the parser's limit), `version` (server and client were built against different versions of the contract). A
 * payload: `parse`, `validation`; `callback` when a function given to a channel threw.
 */
export type SseErrorCode =
	| 'invalid-argument'
	| 'invalid-url'
	| 'closed'
	| 'overflow'
	| 'serialize'
	| 'network'
	| 'response'
	| 'cut'
	| 'silent'
	| 'timeout'
	| 'request'
	| 'aborted'
	| 'denied'
	| 'failed'
	| 'too-large'
	| 'version'
	| 'parse'
	| 'validation'
	| 'callback'
	| 'gap'

/** Why a stream ended, as the server announces it in the last frame. */
export type CloseReason = 'done' | 'restart' | 'rotate' | 'slow' | 'expired' | 'denied' | 'error'

/** What an `SseError` carries beside its code and message. */
export interface SseErrorDetails {
	/** What it came from. */
	cause?: unknown
	/** HTTP status of the response that was refused. */
	status?: number
	/** Start of the refused response's body, at most 1 kB. */
	body?: string
	/** The reason that the server gave. */
	reason?: CloseReason
	/** The cursor behind which a loop over a hub goes on. */
	cursor?: string
}

/**
 * The one error class of the library: a `code` to switch on, a message that names the remedy, and the `cause`.
 *
 * In pages that are built for production the message of `source()` is short, often the word of the code alone: the remedy
 * is for developers. Show visitors a text of your own, by the code.
 *
 * @example
 * ```ts
 * import { source, SseError } from 'sveltekit-sse'
 *
 * const connection = source('/events', {
 * 	error({ error }) {
 * 		if (error instanceof SseError && error.status === 401) location.assign('/login')
 * 	}
 * })
 * connection.connect()
 * ```
 */
export class SseError extends Error {
	/** `SseError`. */
	override readonly name = 'SseError'
	/** What went wrong, to switch on. */
	readonly code: SseErrorCode
	/** HTTP status of the response that was refused. */
	readonly status: number | undefined
	/** Start of the refused response's body, at most 1 kB. */
	readonly body: string | undefined
	/** The reason that the server gave. */
	readonly reason: CloseReason | undefined
	/**
	 * Where a loop of `hub.subscribe` goes on: behind the event that could not be read, or behind those that were missed.
	 * Give it as `after` to the next loop.
	 */
	readonly cursor: string | undefined

	/** @internal Made by the library. */
	constructor(code: SseErrorCode, message: string, details: SseErrorDetails = {}) {
		super(message, 'cause' in details ? { cause: details.cause } : undefined)
		this.code = code
		this.status = details.status
		this.body = details.body
		this.reason = details.reason
		this.cursor = details.cursor
	}
}

/** Whatever was thrown, as an `Error`. */
export function toError(thrown: unknown): Error {
	if (thrown instanceof Error) return thrown
	let text = 'unknown'
	try {
		text = String(thrown)
	} catch {
		// An object without a prototype has no text, and nothing may throw where errors are reported.
	}
	return new Error(text, { cause: thrown })
}
