import type { SseError } from '../errors.js'

/** What a channel makes of one event. */
export interface Outcome<T, I> {
	/** The new value of `current`. */
	value: T | I | Lazy<T>
	/** Whether listeners hear of it; a value that stands in for a broken one is only shown. */
	isEvent: boolean
	error?: SseError
}

/** How a channel turns what comes from upstream into its own values. */
export interface Operator<P, T, I> {
	/** The value before the first event. */
	initial(): T | I | Lazy<T>
	/** Undefined: this event is none for the channel. A throw is kept as the channel's error. */
	apply(data: P): Outcome<T, I> | undefined
	/** Whether the value depends on the last event only; then a late reader sees what that event made. */
	readonly isLatest: boolean
}

/** A value that is made when someone looks at it. */
export class Lazy<T> {
	#make: (() => T) | undefined
	#made: T | undefined

	constructor(make: () => T) {
		this.#make = make
	}

	get value(): T {
		if (this.#make) {
			this.#made = this.#make()
			this.#make = undefined
		}
		return this.#made as T
	}
}

/** What `or` is told about text that is not JSON. */
export interface JsonFailure<U> {
	/** What `JSON.parse` threw. */
	error: Error
	/** The text; empty before the first event. */
	raw: string
	/** The last value that could be read. */
	previous: U | null
}
