import type { Contract, Name, Out, Untyped } from '../contract/types.js'
import type { BodySource, Reason, ReconnectOptions } from '../link/types.js'

/** The argument of the callbacks of `source()`. */
export interface SourceEvent {
	/** Id of the event, or of the last one before it; empty if there was none. */
	id: string
	/** `open`, `close`, `error`, or, in `message`, the name of the event that came. */
	event: string
	/** The same as `event`. */
	name: string
	/** In `message`: the data of the event that came, as text. Otherwise empty. */
	data: string
	/** Whether this side caused it, not the server: `close()`, the signal, the last reader, or the page. */
	isLocal: boolean
	/** HTTP status of the response; 0 if there was none. */
	status: number
	/** The text beside the HTTP status; empty if there was no response. */
	statusText: string
	/** Headers of the response; empty if there was none. */
	headers: Headers
	/** The response, if there was one. Its body is being read, or was read already. */
	response?: Response
	/** What went wrong, an `SseError`; undefined if nothing did. */
	error?: Error
	/** Why this happened: the reason that the server gave, such as `restart`, or one of this side, such as `cut`. */
	reason?: Reason
	/**
	 * In `open`: whether the stream continues behind the last event id; false if there was none. Undefined if the server does
	 * not say, such as one without `produce()`.
	 */
	resumed?: boolean
	/** Whether the connection reconnects by itself. */
	willReconnect: boolean
	/** Milliseconds until the next attempt, if one is planned. */
	delay?: number
	/** Losses in a row, failed attempts included; 0 while the stream is open. */
	attempt: number
	/**
	 * Connects again after an end, once the back-off is over, for the readers and the holds of `connect()` that are still there.
	 * It does nothing if there are none, as after the last reader has left, and while the connection reconnects by itself. It
	 * returns at once.
	 */
	connect(): void
	/** Closes the connection, as `connection.close()`. */
	close(): void
}

/** Is called with one thing that happened to a connection. */
export type Callback = (event: SourceEvent) => void

interface RequestSettings {
	/** HTTP method of the request. @default 'POST' */
	method?: string | undefined
	/** Request headers; a function runs before every attempt, so a token in it is never stale. */
	headers?: HeadersInit | (() => HeadersInit | Promise<HeadersInit>) | undefined
	/** Request body; a function runs before every attempt. */
	body?: BodySource | null | undefined
	/** Closes the connection when it aborts. Nothing opens that connection again. */
	signal?: AbortSignal | undefined
}

/** What else `fetch` takes. */
type FetchSettings = {
	[K in keyof RequestInit as Exclude<K, keyof RequestSettings | 'window'>]?:
		RequestInit[K] | undefined
}

/**
 * `options` of `sveltekit-sse` 0.14: the request settings, nested, and all others that `fetch` takes, such as `mode`,
 * `redirect` or `referrerPolicy`. `cache` is that of `fetch` here. @default `cache: 'no-store'`
 */
export interface NestedOptions extends RequestSettings, FetchSettings {
	/** `false`: closed while the page is hidden. @default true @deprecated Use `hidden`. */
	openWhenHidden?: boolean | undefined
	/** The connection is open. */
	onopen?: ((response: Response) => void) | undefined
	/** Any event came. */
	onmessage?: ((message: { id: string; event: string; data: string }) => void) | undefined
	/** The connection was lost, or ended. */
	onclose?: (() => void) | undefined
	/** The connection failed, or an event could not be read. */
	onerror?: ((error: Error) => void) | undefined
}

/** How `source()` connects, which events it carries, and which callbacks hear of it. All options are optional. */
export interface SourceOptions<S = Untyped> extends RequestSettings {
	/** Called each time the stream opens; `resumed` says whether it continues behind the last event id. */
	open?: Callback | undefined
	/**
	 * Called once per outage, when the connection is lost or its first attempt fails (`willReconnect` is true), each time it is
	 * closed, and when the last reader leaves a connection that is up or connecting.
	 */
	close?: Callback | undefined
	/**
	 * Called for each attempt that fails, each connection that an error ends, and each event that cannot be read. What others
	 * on a shared connection met before this handle came is in `connection.error` only.
	 */
	error?: Callback | undefined
	/** Called for every event, once all channels have it, also for one at which a listener has closed the connection. */
	message?: Callback | undefined
	/** The name of `open` in 0.15. @deprecated Use `open`. */
	onopen?: Callback | undefined
	/** The name of `close` in 0.15. @deprecated Use `close`. */
	onclose?: Callback | undefined
	/** The name of `error` in 0.15. @deprecated Use `error`. */
	onerror?: Callback | undefined
	/** The name of `message` in 0.15. @deprecated Use `message`. */
	onmessage?: Callback | undefined
	/** What `fetch` takes, nested as in 0.14: `mode`, `redirect` and so on; what stands outside wins. */
	options?: NestedOptions | undefined
	/**
	 * `openWhenHidden` of 0.14: `false` means `hidden: { pauseAfter: 0 }`. @default true
	 *
	 * @deprecated Use `hidden`.
	 */
	openWhenHidden?: boolean | undefined
	/** Whether cookies go along, as for `fetch`. @default 'same-origin' */
	credentials?: RequestCredentials | undefined
	/** Makes the requests. @default globalThis.fetch */
	fetch?: typeof globalThis.fetch | undefined
	/** Whether equal requests share one connection. @default true */
	cache?: boolean | undefined
	/** The contract of the stream's events, from `defineEvents`. */
	events?: Contract<S> | undefined
	/**
	 * The values of channels before the first event, by the names of the events, such as values from `load`. An object counts for
	 * the first URL only; a function is called with each URL.
	 * @default '' for text, undefined with a contract
	 */
	initial?:
		| { [K in Name<NoInfer<S>>]?: Out<NoInfer<S>, K> | undefined }
		| ((url: string) => { [K in Name<NoInfer<S>>]?: Out<NoInfer<S>, K> | undefined })
		| undefined
	/**
	 * The id to resume after at the first connect, such as a cursor from `load`. A string counts for the first URL only; a
	 * function is called with each URL. Once an event with an id has come, that id counts.
	 */
	lastEventId?: string | ((url: string) => string | undefined) | undefined
	/**
	 * Whether another URL of a URL function is another stream. `reset`: it is; values and the last event id start over. `resume`:
	 * it is the same stream, asked for in another way, such as with other topics or a new token. Values stay, `list` and `scan`
	 * go on, and the new connection resumes after the last event id.
	 * @default 'reset'
	 */
	urlChange?: 'reset' | 'resume' | undefined
	/**
	 * Lets calls share a connection although each has functions of its own, such as `headers: () => …`. Functions of calls with
	 * an equal key count as equal; the URL and all other options still count.
	 * @default a function is equal only to itself
	 */
	key?: string | undefined
	/**
	 * Milliseconds until the response has to be there; then the attempt has failed with `timeout`. Async `headers` and `body`
	 * functions count.
	 * @default 30_000
	 */
	connectTimeout?: number | undefined
	/**
	 * How to reconnect after a loss; `false`: not at all, so each request is made once. A page that is left, or hidden for too
	 * long, then closes the connection, and showing the page again makes no second request.
	 * @default true
	 */
	reconnect?: boolean | ReconnectOptions | undefined
	/**
	 * Milliseconds of silence after which the connection counts as dead; `false`: never.
	 * @default 2.5 times the ping interval that the server announced
	 */
	watchdog?: number | false | undefined
	/** Milliseconds for which the connection stays open after its last reader has left. @default 100 */
	linger?: number | undefined
	/**
	 * Whether a hidden page keeps its connection. With `pauseAfter` the connection closes after so many milliseconds, and opens
	 * again when the page is shown; nothing opens it before, `connect()` included.
	 * @default 'keep'
	 */
	hidden?:
		| 'keep'
		| {
				/** Milliseconds that the page may be hidden; 0: a page that is hidden from the start makes no request. */
				pauseAfter: number
		  }
		| undefined
	/** Called when events were lost: load the data again. */
	gap?: (() => void) | undefined
}
