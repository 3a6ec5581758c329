import type { SseError } from '../errors.js'

/** How a channel turns what comes from upstream into its own values. */
export interface Operator<P, T, I> {
	/** The value before the first event, for a URL. */
	initial(url: string | undefined): T | I
	/**
	 * The value that an event makes; what stands for it where there is none. A throw is kept as the channel's error.
	 */
	apply(data: P): T | Lazy<T> | Unmade<T | I>
	/** Forgets what came before. */
	reset?(): void
	/** Whether the value depends on the last event only; then a late reader sees what that event made. */
	readonly isLatest: boolean
	/** Whether it starts over with a stream that does not go on where the last one was lost. */
	readonly restarts?: boolean | undefined
}

/** Stands for an event that is none for the channel, or could not be read. */
export class Unmade<V> {
	/** What is shown in its place. */
	readonly fallback: { value: V } | undefined
	readonly error: SseError | undefined

	constructor(fallback?: { value: V }, error?: SseError) {
		this.fallback = fallback
		this.error = error
	}
}

/** The event is none for the channel. */
export const skipped = /* @__PURE__ */ new Unmade<never>()

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

export function made<V>(value: V | Lazy<V>): V {
	return value instanceof Lazy ? value.value : value
}

/** The argument of `or`: text that is not valid JSON. */
export interface JsonFailure<U> {
	/** The error of `JSON.parse`; before the first event an `SseError`. */
	error: Error
	/** The text; empty before the first event. */
	raw: string
	/** The last value that could be parsed; null if there was none. */
	previous: U | null
}
