import type { Readable, Writable } from 'svelte/store'
import type { Unsafe } from '../produce/types.js'
import type { SourceEvent } from './options.js'

// The type names of 0.14 and 0.15, in the shapes that they had there: an app may have made values of them, as a mock of a
// connection, as well as read them. Whatever 1.0 returns fits them, and 1.0 accepts whatever fits them.

/**
 * What `source()` returns, as far as 0.14 knew it.
 *
 * @deprecated Use `SseConnection`.
 */
export interface Source {
	/** Closes the connection. */
	close: () => void
	/** The channel of one event name. */
	select: SourceSelect
}

/**
 * `select` of a connection.
 *
 * @deprecated Use `SseConnection['select']`.
 */
export type SourceSelect = (eventName: string) => Readable<string> & SourceSelected

/**
 * What a channel is beside a store.
 *
 * @deprecated Use `SseChannel`.
 */
export interface SourceSelected {
	/** Makes something else of each event. */
	transform: SourceSelectedTransform
	/** Parses the data as JSON. */
	json: Jsonifier
}

/**
 * `transform` of a channel.
 *
 * @deprecated Use `SseChannel['transform']`.
 */
export type SourceSelectedTransform = <T>(transformer: Transformer<T | null>) => Readable<T | null>

/**
 * The function given to `transform`.
 *
 * @deprecated Write `(data: string) => T`.
 */
export type Transformer<T> = (value: string) => T

/**
 * `json` of a channel.
 *
 * @deprecated Use `SseChannel['json']`.
 */
export type Jsonifier = <T>(or?: JsonPredicate<T | null>) => Readable<T | null>

/**
 * The function given to `json`.
 *
 * @deprecated Write `(failure: JsonFailure<T>) => T | null`.
 */
export type JsonPredicate<T> = (payload: JsonPredicatePayload<T>) => T

/**
 * What the function given to `json` is told.
 *
 * @deprecated Use `JsonFailure`.
 */
export interface JsonPredicatePayload<T> {
	/** What `JSON.parse` threw. */
	error: Error
	/** The text; empty before the first event. */
	raw: string
	/** The last value that could be read. */
	previous: T
}

/**
 * What a callback of `source()` hears, as far as 0.14 and 0.15 knew it.
 *
 * @deprecated Use `SourceEvent`.
 */
export interface Event
	extends
		Pick<
			SourceEvent,
			'id' | 'event' | 'data' | 'isLocal' | 'status' | 'statusText' | 'headers' | 'error' | 'close'
		>,
		Partial<Pick<SourceEvent, 'name' | 'response'>> {
	/** Connects again. */
	connect: () => void
}

/**
 * A callback of `source()`.
 *
 * @deprecated Use `Callback`.
 */
export type EventListener = (event: Event) => void

/**
 * The options of `source()` in 0.14.
 *
 * @deprecated Use `SourceOptions`.
 */
export interface SourceConfiguration {
	/** The connection was lost, or ended. */
	close?: EventListener | undefined
	/** The connection is open. */
	open?: EventListener | undefined
	/** The connection failed, or an event could not be read. */
	error?: EventListener | undefined
	/** Settings of the request. */
	options?: FetchEventSourceInit | undefined
	/** Whether equal requests share one connection. @default true */
	cache?: boolean | undefined
}

interface RequestSettings {
	/** Ends the connection for good. */
	signal?: AbortSignal | undefined
	/** HTTP method of the request. @default 'POST' */
	method?: string | undefined
	/** Request body. */
	// eslint-disable-next-line @typescript-eslint/no-explicit-any -- As it was.
	body?: any
	/** Request headers. */
	headers?: Record<string, string> | undefined
	/** `false`: closed while the page is hidden. @default true */
	openWhenHidden?: boolean | undefined
}

/**
 * The nested `options` of `source()` in 0.14.
 *
 * @deprecated Use `SourceOptions`, which has the same settings at its top.
 */
export interface FetchEventSourceInit extends RequestSettings {
	/** The connection is open. */
	onopen?: ((response: Response) => void) | undefined
	/** Any event came. */
	onmessage?: ((message: FetchEventSourceMessage) => void) | undefined
	/** The connection was lost, or ended. */
	onclose?: (() => void) | undefined
	/** The connection failed, or an event could not be read. */
	onerror?: ((error: Error) => void) | undefined
}

/**
 * One event, as the nested `onmessage` of 0.14 hears it.
 *
 * @deprecated Use `SourceEvent`, which the callback `message` hears.
 */
export interface FetchEventSourceMessage {
	/** Id of the event, or of the last one before it; empty if there was none. */
	id: string
	/** Name of the event. */
	event: string
	/** Data of the event. */
	data: string
	/** Never set: the connection follows it by itself. */
	retry?: number | undefined
}

/**
 * One event, by the name that 0.15 gave it.
 *
 * @deprecated Use `SourceEvent`, which the callback `message` hears.
 */
export type Message = FetchEventSourceMessage

/**
 * The options of `source()` in 0.15.
 *
 * @deprecated Use `SourceOptions`.
 */
export interface Options extends RequestSettings {
	/** The connection was lost, or ended. */
	onclose?: EventListener | undefined
	/** The connection is open. */
	onopen?: EventListener | undefined
	/** The connection failed, or an event could not be read. */
	onerror?: EventListener | undefined
	/** Any event came. */
	onmessage?: EventListener | undefined
	/** Whether equal requests share one connection. @default true */
	cache?: boolean | undefined
}

/**
 * What `start` receives, as far as 0.14 knew it.
 *
 * @deprecated Use `ProducerConnection`.
 */
export interface Connection {
	/** Sends one event to the client. */
	emit: Emitter
	/** `true` while the stream is open. */
	lock: Writable<boolean>
	/** The underlying source of the response's stream. */
	source: UnderlyingDefaultSource<string>
}

/**
 * The `emit` that `start` receives.
 *
 * @deprecated Use `Emit`.
 */
export type Emitter = (eventName: string, data: string) => Unsafe<void>

/**
 * A function that runs when a stream ends.
 *
 * @deprecated Use `Stop`.
 */
export type OnCancel = (
	stream: UnderlyingDefaultSource<string>,
	// eslint-disable-next-line @typescript-eslint/no-explicit-any -- A `Stop` fits, which needs it, and so does a call without.
	reason?: any
) => void | PromiseLike<void>

/**
 * The options of `produce()` in 0.14.
 *
 * @deprecated Use `ProduceOptions`.
 */
export interface ProducePayload {
	/** More response headers. */
	headers?: Record<string, string> | undefined
	/** Milliseconds without a byte after which a heartbeat is sent. */
	ping?: number | undefined
	/** Runs once when the stream ends. */
	stop?: OnCancel | undefined
}

/**
 * A reason to close; neither 0.14 nor 0.15 used it.
 *
 * @deprecated Use `CloseReason`.
 */
export interface ClosePayload {
	/** Why. */
	reason?: string | undefined
}

/**
 * The properties of a type, written out.
 *
 * @deprecated It was never meant for apps; copy it into yours if you use it.
 */
export type Pretty<T> = { [K in keyof T]: T[K] } & {}
