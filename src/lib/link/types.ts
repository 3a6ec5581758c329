import type { Contract } from '../contract/types.js'
import type { CloseReason, SseError } from '../errors.js'

/** Where a connection stands. */
export type Status = 'idle' | 'connecting' | 'open' | 'reconnecting' | 'closed'

/**
 * Why a connection stands where it stands: a reason the server gave, or
 * `unused` nobody reads it · `asked` someone does, or `connect()` was called · `accepted` the response is a stream ·
 * `complete` a foreign stream ended, which is how it says that it is finished · `no-content` the server answered 204 ·
 * `cut` the stream ended without a reason · `silent` the watchdog heard nothing · `network` no response ·
 * `timeout` no response in time · `refused` a response that is no event stream · `request` headers, body or URL could
 * not be made · `offline`, `hidden`, `away` the browser lost the network, the page was hidden for too long or left ·
 * `outdated` the server needs clients of a newer contract · `behind` the server's contract is too old ·
 * `local` `close()` was called · `aborted` the user's signal.
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

/** One event, as it came off the wire. */
export interface Message {
	/** That of the `event:` field; empty if there was none. */
	readonly name: string
	readonly data: string
	/** The id of this very event, if it carried one. */
	readonly id: string | undefined
	/** `clock.date()` of its arrival, in milliseconds since the epoch. */
	readonly at: number
}

/** How a connection comes back: full-jitter exponential back-off, on top of what the server asked for. */
export interface ReconnectOptions {
	/** Milliseconds; the first attempt waits a random part of it, each later one of twice as much. @default 500 */
	min?: number | undefined
	/** Milliseconds that the back-off never exceeds. @default 30_000 */
	max?: number | undefined
	/** Failed attempts in a row after which the connection is closed. @default Infinity */
	attempts?: number | undefined
	/** Milliseconds a connection has to last before the count of attempts starts over. @default 5_000 */
	minUptime?: number | undefined
	/**
	 * Decides about a loss that the server did not ask for: milliseconds to wait, `Infinity` until `connect()` is called or
	 * the network or the page comes back, `false` to close, `undefined` for what the library would do. From the second loss in
	 * a row on, the wait is at least `min`.
	 */
	decide?: ((info: LossInfo) => number | false | undefined) | undefined
}

/** What `decide` is told of a loss. */
export interface LossInfo {
	/** What was lost by; undefined if the stream ended in order. */
	error?: SseError
	/** HTTP status of the response, if there was one. */
	status?: number
	/** 1 for the first attempt after the loss. */
	attempt: number
}

/** How a request is made; functions run before every attempt. */
export interface RequestOptions {
	url: () => string
	method: string
	headers: HeadersInit | (() => HeadersInit | Promise<HeadersInit>) | undefined
	body: BodySource | null | undefined
	/** Whatever else `fetch` takes. */
	init: RequestInit
	fetch: typeof globalThis.fetch | undefined
}

export type Body = NonNullable<RequestInit['body']>
/** A request body, or a function that makes one before every attempt. */
export type BodySource = Body | (() => Body | null | undefined | Promise<Body | null | undefined>)

export interface LinkOptions extends RequestOptions {
	reconnect: ReconnectOptions | false
	/** Milliseconds of silence; undefined: 2.5 times the announced ping; false: none. */
	watchdog: number | false | undefined
	/** Milliseconds the page may be hidden; undefined: for ever. */
	pauseAfter: number | undefined
	lastEventId: string | undefined
	/** What the stream carries; of interest here is only whether it is the same version. */
	events: Contract<unknown> | undefined
}
