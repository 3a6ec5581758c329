import type { Contract, Name, Out, Untyped } from '../contract/types.js'
import type { SseError } from '../errors.js'
import type { BodySource, ReconnectOptions } from '../link/types.js'

/** One event of a stream. */
export type ReadEvent<S = Untyped> = {
	[K in Name<S>]: {
		/** The event's name; `message` if the stream gave none. */
		name: K
		/** The value that the contract makes of the event's data; without a contract, text. */
		data: Out<S, K>
		/** The event's own id, if it carried one. */
		id: string | undefined
	}
}[Name<S>]

/** The events of a stream, for `for await`. Leaving the loop closes the connection. */
export interface EventStream<S = Untyped> extends AsyncIterableIterator<ReadEvent<S>, undefined> {
	/** Closes the connection at once; a `next()` that still waits is done. */
	return(): Promise<IteratorReturnResult<undefined>>
	/** Closes the connection at once, and rejects with the error. */
	throw(error?: unknown): Promise<IteratorReturnResult<undefined>>
	/** The stream itself. */
	[Symbol.asyncIterator](): EventStream<S>
}

/** A stream of a loop has begun. */
export interface Opened {
	/** The response. Its body is being read. */
	response: Response
	/**
	 * Whether the stream continues behind the last event id. Undefined if the server does not say, such as one without
	 * `produce()`.
	 */
	resumed: boolean | undefined
}

/** How `read.once()` reads a response. If one of the functions throws, the loop throws the same. */
export interface OnceOptions<S = Untyped> {
	/** The contract of the events, from `defineEvents`. Events that are not in the contract are left out. */
	events?: Contract<S> | undefined
	/**
	 * Ends the loop before an event, and closes the connection: a text that the data equals, such as `[DONE]`, or a function
	 * that returns true.
	 */
	until?: string | ((event: ReadEvent<NoInfer<S>>) => boolean) | undefined
	/** Ends the loop, which throws an `aborted` error. */
	signal?: AbortSignal | undefined
	/**
	 * Milliseconds of silence after which the connection counts as dead; `false`: never. Time in which the loop does not take
	 * what was read does not count.
	 * @default 2.5 times the ping interval that the server announced
	 */
	watchdog?: number | false | undefined
	/** Events were lost between the last event of the loop and the next: load the data again. */
	gap?: (() => void) | undefined
	/**
	 * Hears of errors that do not end the loop: an attempt that failed and is repeated, and an event that does not fit the
	 * contract, which is left out. Without this function the first event that does not fit ends the loop.
	 */
	error?: ((error: SseError) => void) | undefined
}

/** What else `fetch` takes. */
type FetchSettings = {
	[K in keyof RequestInit as Exclude<K, 'method' | 'headers' | 'body' | 'signal' | 'window'>]?:
		RequestInit[K] | undefined
}

/**
 * How `read()` connects, and what it carries. All settings of `fetch` stand beside these, such as `credentials` or
 * `redirect`.
 */
export interface ReadOptions<S = Untyped> extends OnceOptions<S>, FetchSettings {
	/** HTTP method of the request. @default that of the `Request`, or 'GET' */
	method?: string | undefined
	/**
	 * Request headers; they are added to those of a `Request`. A function runs before every attempt, so a token in it is never
	 * stale.
	 */
	headers?: HeadersInit | (() => HeadersInit | Promise<HeadersInit>) | undefined
	/** Request body; a function runs before every attempt. A stream can be sent once, so nothing reconnects with one. */
	body?: BodySource | null | undefined
	/** Makes the requests. With `event.fetch` of SvelteKit the URL may be relative. @default globalThis.fetch */
	fetch?: typeof globalThis.fetch | undefined
	/** The id to resume from at the first connect. */
	lastEventId?: string | undefined
	/**
	 * How to come back after a loss; `false`: not at all, and the loop throws.
	 * @default true; false if the body can be sent only once
	 */
	reconnect?: boolean | ReconnectOptions | undefined
	/** Milliseconds until the response has to be there; then the attempt has failed. @default 30_000 */
	connectTimeout?: number | undefined
	/** A stream has begun: the first one, or another one after a loss. */
	open?: ((opened: Opened) => void) | undefined
}
