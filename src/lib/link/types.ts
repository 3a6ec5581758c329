import type { Contract } from '../contract/types.js'
import type { CloseReason, SseError } from '../errors.js'

/** The state of a connection, see `SseConnection.status`. */
export type Status = 'idle' | 'connecting' | 'open' | 'reconnecting' | 'closed'

/**
 * Why a connection has its state: the reason that the server gave (`CloseReason`), or
 * `unused` nobody reads it · `asked` someone reads it, or `connect()` was called · `accepted` the response is a stream ·
 * `complete` a foreign stream ended in order · `no-content` the server answered 204 · `cut` the stream broke off, or ended
 * without a reason · `silent` the watchdog heard nothing · `network` no response · `timeout` no response in time ·
 * `refused` a response that is no event stream · `request` headers, body or URL could not be made · `offline` the browser
 * lost the network · `hidden` the page was hidden for too long · `away` the page was left · `outdated` this page is too
 * old for the server's contract · `behind` the server's contract is too old for this page · `local` `close()` was called ·
 * `aborted` the signal of the options aborted.
 */
export type Reason =
	| CloseReason
	| 'unused'
	| 'asked'
	| 'accepted'
	| 'complete'
	| 'no-content'
	| 'cut'
	| 'silent'
	| 'network'
	| 'timeout'
	| 'refused'
	| 'request'
	| 'offline'
	| 'hidden'
	| 'away'
	| 'outdated'
	| 'behind'
	| 'local'
	| 'aborted'

/** One event, as it came over the wire. */
export interface Message {
	/** That of the `event:` field; empty if there was none. */
	readonly name: string
	readonly data: string
	/** The id of this very event, if it carried one. */
	readonly id: string | undefined
	/** `clock.date()` of its arrival, in milliseconds since the epoch. */
	readonly at: number
}

/** How a connection reconnects: full-jitter exponential back-off, on top of the wait that the server asks for. */
export interface ReconnectOptions {
	/**
	 * Milliseconds, at least 100. The first attempt after a loss waits a random part of it, each later one a random part of twice
	 * as much as the one before, and at least this long.
	 * @default 500
	 */
	min?: number | undefined
	/** Milliseconds that the random part never exceeds. @default 30_000 */
	max?: number | undefined
	/**
	 * How often it is tried again after losses in a row; then the connection is closed. Attempts while the browser says that it
	 * is offline do not count.
	 * @default Infinity
	 */
	attempts?: number | undefined
	/** Milliseconds, at least 100, that a connection has to last so that the count of losses starts over. @default 5_000 */
	minUptime?: number | undefined
	/**
	 * Decides about every ending except `done`, `denied`, `outdated` and 204. Returns milliseconds to wait, `Infinity` to wait for
	 * `connect()`, the network or the page (a reader that comes after the last has left waits `max` at most; in `read()`, where
	 * nothing could end that wait, as `false`), `false` to close, or `undefined` for the default. From the second loss in a row on, the wait is at least `min`.
	 */
	decide?: ((info: LossInfo) => number | false | undefined) | undefined
}

/** The argument of `decide`: how a connection ended. */
export interface LossInfo {
	/** Why the connection ended: the server's reason, such as `restart`, or one of this side, such as `cut`. */
	reason: Reason
	/** The error that ended it; undefined if the stream ended in order. */
	error?: SseError | undefined
	/** HTTP status of the response that was refused. */
	status?: number | undefined
	/** Losses in a row, this one included: 1 for the first. */
	attempt: number
}

/** How a request is made; functions run before every attempt. */
export interface RequestOptions {
	/** Absolute. */
	url: string
	method: string
	headers: HeadersInit | (() => HeadersInit | Promise<HeadersInit>) | undefined
	body: BodySource | null | undefined
	/** Whether `fetch` has another body, which `body` does not replace. */
	readonly hasOwnBody?: boolean
	/** Whatever else `fetch` takes. */
	init: RequestInit
	fetch: typeof globalThis.fetch | undefined
	/** The id to resume from at the first attempt. */
	lastEventId: string | undefined
}

export type Body = NonNullable<RequestInit['body']>
/** A request body, or a function that makes one before every attempt. */
export type BodySource = Body | (() => Body | null | undefined | Promise<Body | null | undefined>)

export interface LinkOptions extends RequestOptions {
	reconnect: ReconnectOptions | false
	/** Milliseconds until the response has to be there. */
	connectTimeout: number
	/** Milliseconds of silence; undefined: 2.5 times the announced ping; false: none. */
	watchdog: number | false | undefined
	/** Milliseconds the page may be hidden; undefined: for ever. */
	pauseAfter: number | undefined
	/** The contract; of interest here is only whether the stream is of a version that it understands. */
	events: Contract<unknown> | undefined
}
