import type { Contract, Name, Out, Untyped } from './contract/types.js'
import type { BodySource, Reason, ReconnectOptions } from './link/types.js'

/** What a callback of `source()` hears. */
export interface SourceEvent {
	/** Id of the event, or of the last one before it; empty if there was none. */
	id: string
	/** `open`, `close`, `error`, or the name of the event that came. */
	event: string
	/** The same as `event`. */
	name: string
	/** Data of the event that came; empty for the others. */
	data: string
	/** Whether this side brought it about, not the server. */
	isLocal: boolean
	/** HTTP status of the response; 0 if there was none. */
	status: number
	/** The text beside the status; empty if there was no response. */
	statusText: string
	/** Headers of the response; empty if there was none. */
	headers: Headers
	/** The response, if there was one. Its body is being read, or has been. */
	response?: Response
	/** What went wrong, an `SseError`; undefined if nothing did. */
	error?: Error
	/** Why: a reason that the server gave, or what happened here. */
	reason?: Reason
	/** Whether the connection comes back by itself. */
	willReconnect: boolean
	/** Milliseconds until the next attempt, if one is due. */
	delay?: number
	/** Losses in a row; 0 while all is well. */
	attempt: number
	/**
	 * Connects again. After a connection that did not last it goes through the back-off, so that it cannot become a
	 * storm. There is nothing to wait for: `await connect()` goes on at once.
	 */
	connect(): void
	/** Closes the connection. */
	close(): void
}

/** Hears of one thing that happened to a connection. */
export type Callback = (event: SourceEvent) => void

interface RequestSettings {
	/** HTTP method of the request. @default 'POST' */
	method?: string | undefined
	/** Request headers; a function runs before every attempt, so a token in it is never stale. */
	headers?: HeadersInit | (() => HeadersInit | Promise<HeadersInit>) | undefined
	/** Request body; a function runs before every attempt. */
	body?: BodySource | null | undefined
	/** Ends the connection for good. */
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

/** How `source()` connects, what it carries, and who hears of it. Only the URL is needed. */
export interface SourceOptions<S = Untyped> extends RequestSettings {
	/** The connection is open. */
	open?: Callback | undefined
	/** The connection was lost (`willReconnect`), or ended. */
	close?: Callback | undefined
	/** The connection failed, or an event could not be read. */
	error?: Callback | undefined
	/** Any event came. */
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
	/** What channels show before the first event, such as what `load` returned. */
	initial?: { [K in Name<NoInfer<S>>]?: Out<NoInfer<S>, K> | undefined } | undefined
	/** The id to resume from at the first connect, such as a cursor that `load` returned. */
	lastEventId?: string | undefined
	/**
	 * How to come back after a loss; `false`: not by itself. Then a page that is left, or hidden for too long, closes the
	 * connection too, and showing the page again makes no second request.
	 * @default true
	 */
	reconnect?: boolean | ReconnectOptions | undefined
	/**
	 * Milliseconds of silence after which the connection counts as dead; `false`: never.
	 * @default 2.5 times the ping interval that the server announced
	 */
	watchdog?: number | false | undefined
	/** Milliseconds for which a channel without readers keeps the connection. @default 100 */
	linger?: number | undefined
	/** What happens while the page is hidden: closed after `pauseAfter` milliseconds. @default 'keep' */
	hidden?:
		| 'keep'
		| {
				/** Milliseconds that the page may be hidden; it comes back when it is seen again. */
				pauseAfter: number
		  }
		| undefined
	/** Events were lost: load the data anew. */
	gap?: (() => void) | undefined
}
