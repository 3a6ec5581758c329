import type { Writable } from 'svelte/store'
import type { CloseReason } from '../errors.js'
import type { Contract, In, Name, Untyped } from '../contract/types.js'

/** A result that carries its error instead of throwing it. */
export interface Unsafe<T, E = Error> {
	/** The result; only of use if there is no error. */
	value: T
	/** What went wrong, or `false`. */
	error: false | E
}

/**
 * Why a stream ended, as its producer sees it: a reason of the server's, or `gone` when the client left, or when nobody has
 * begun to read after 30 s, as when a handler throws after `produce`.
 */
export type StopReason = CloseReason | 'gone'

/** What goes out beside the data of one event. */
export interface EmitOptions {
	/**
	 * The event's id; the client sends the last one when it reconnects (`Last-Event-ID`). Give one only to events that you can
	 * resume after. No control characters, no space at its ends; ASCII, since Safari re-encodes anything else. An id of more
	 * than 4,096 bytes is not sent back.
	 */
	id?: string | undefined
	/** Milliseconds the client waits before it reconnects, should this response end. */
	retry?: number | undefined
}

/**
 * Sends one event. It never throws: the result carries an `error` when the stream has ended, when the buffer is full
 * or when the event cannot be sent.
 */
export type Emit<S = Untyped> = <K extends keyof S & string>(
	name: K,
	data: In<S, K>,
	options?: EmitOptions
) => Unsafe<void>

/** One event as an async iterable yields it. */
export type Emitted<S = Untyped> = {
	[K in Name<S>]: EmitOptions & {
		/** The event's name. */
		event: K
		/** A string as it is, anything else as JSON; with a contract, what the event's schema accepts. */
		data: In<S, K>
	}
}[Name<S>]

/** What `start` receives: the one stream it feeds. */
export interface ProducerConnection<S = Untyped> {
	/**
	 * Sends one event to the client.
	 *
	 * @example
	 * ```ts
	 * const { error } = emit('message', 'hello world')
	 * if (error) return
	 * ```
	 */
	readonly emit: Emit<S>
	/** `true` while the stream is open. `set(false)` sends what was emitted and ends the response with `done`. */
	readonly lock: Writable<boolean>
	/** The underlying source of the response's stream. */
	readonly source: UnderlyingDefaultSource
	/** Aborted when the stream ends, whatever the reason; its `reason` is an `SseError`. */
	readonly signal: AbortSignal
	/**
	 * The id of the client's last event, or undefined on its first visit. Needs the `request` option. If `start` continues behind
	 * it, set the option `resumed`.
	 */
	readonly lastEventId: string | undefined
	/** Bytes waiting for this client. */
	readonly buffered: number
	/** Resolves when there is room again, or the stream has ended. */
	drained(): Promise<void>
	/**
	 * Sends what was emitted and ends the response.
	 *
	 * @param reason tells the client what to do. Default `done`: it stays closed.
	 * @param options `retry`: milliseconds before the client comes back, for the reasons that bring it back.
	 */
	close(reason?: CloseReason, options?: { retry?: number }): void
}

/** Runs once when the stream ends, whatever ended it. */
export type Stop = (source: UnderlyingDefaultSource, reason: StopReason) => void | PromiseLike<void>

/**
 * Feeds one stream. Return nothing to keep the stream open, a function to run when it ends, or an async iterable whose
 * events are sent at the pace of the client; when it ends, so does the stream, with `done`.
 */
export type Start<S = Untyped> = (
	connection: ProducerConnection<S>
) => Started<S> | PromiseLike<Started<S>>

/** What `start` may return. */
export type Started<S = Untyped> = void | Stop | AsyncIterable<Emitted<S> | UnnamedEvent<S>>

/** An event without a name is a `message`. */
export type UnnamedEvent<S = Untyped> =
	'message' extends Name<S>
		? EmitOptions & {
				/** Left out. */
				event?: undefined
				/** As that of any other event. */
				data: In<S, 'message' & keyof S>
			}
		: never

/** What to do with an event that finds the client's buffer full. */
export type Overflow = 'close' | 'drop-oldest' | 'refuse'

/** How one stream is sent, and what ends it. */
export interface ProduceOptions<S = Untyped> {
	/** Runs once when the stream ends, also when the client left and while `start` is still running. */
	stop?: Stop | undefined
	/** More response headers. Those that a stream needs are set in any case, and `connection` is left out. */
	headers?: HeadersInit | undefined
	/**
	 * Milliseconds without a byte after which a heartbeat is sent. The stream announces them, and the client gives the
	 * connection up after 2.5 times as long without a byte. `false` sends no heartbeat.
	 *
	 * Choose less where a proxy or platform closes silent connections sooner, or where it matters that the server learns
	 * soon of a client that left: some proxies pass that on only at the second or third heartbeat.
	 * @default 30_000, on Bun 8_000, since it closes what is silent for 10 s
	 */
	ping?: number | false | undefined
	/** The request, for `lastEventId` and as a second sign that the client left. */
	request?: Request | undefined
	/**
	 * Whether `start` continues behind `lastEventId`; needs the `request` option. The first frame then tells a client with a last
	 * event id that the stream resumed. A client with a last event id that is not told so assumes that events were lost, and
	 * calls its `gap`.
	 * @default false
	 */
	resumed?: boolean | undefined
	/** The contract of the stream's events, from `defineEvents`. */
	events?: Contract<S> | undefined
	/** Milliseconds the client waits before it reconnects after losing this response. @default the client's own */
	retry?: number | undefined
	/**
	 * Milliseconds after which the stream ends with `rotate`, so that the client comes back at once. Up to 20 % of
	 * it are taken off at random, so that many streams do not end together.
	 * @default unlimited
	 */
	maxDuration?: number | undefined
	/**
	 * Bytes that may wait for a client that does not read; then `overflow` decides.
	 * @default 16 MiB
	 */
	maxBuffer?: number | undefined
	/**
	 * What happens to an event that finds the buffer full. `close` ends the stream with `slow`: the client comes back
	 * and resumes. `drop-oldest` drops waiting events and tells the client of the gap. `refuse` drops the new event
	 * and returns the error from `emit`.
	 * @default 'close'
	 */
	overflow?: Overflow | undefined
	/** Hears what `start` or a stop function threw. @default console.error */
	error?: ((error: Error) => void) | undefined
}
