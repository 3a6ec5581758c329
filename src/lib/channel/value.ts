import { DEV } from 'esm-env'
import { untrack } from 'svelte'
import { SseError, toError } from '../errors.js'
import type { Message } from '../link/types.js'
import { report } from '../parts/report.js'
import { Cell } from '../reactive.svelte.js'
import type { Incoming, Session } from './feed.js'
import { Fallback, made, skipped, type Lazy, type Operator } from './operator.js'

/** What a channel shows, and how an event changes it. */
export class Value<T, I> {
	readonly #operator: Operator<unknown, T, I>
	readonly #session: Session
	readonly #current: Cell<T | I | Lazy<T>>
	readonly #error = new Cell<SseError | undefined>(undefined)
	/** The last message that was taken in, and the last that became an event of this channel. */
	#seen: Message | undefined
	#event: Message | undefined
	#data: T | Lazy<T> | undefined
	/** The URL that the value belongs to, and which of its visits. */
	#url: string | undefined
	#era: number

	constructor(operator: Operator<unknown, T, I>, session: Session) {
		this.#operator = operator
		this.#session = session
		this.#url = untrack(() => session.url())
		this.#era = session.era
		this.#current = new Cell<T | I | Lazy<T>>(operator.initial(this.#url))
	}

	/** For those who are told of changes. While they want another URL than this value's, it is none of theirs. */
	get current(): T | I {
		const url = this.#session.url()
		const value = this.#current.value
		const { resets, settled = this.#url } = this.#session
		return resets && url !== settled ? this.#operator.initial(url) : made(value)
	}

	get plain(): T | I | Lazy<T> {
		return this.#current.plain
	}

	get error(): SseError | undefined {
		return this.#error.value
	}

	/** The last event, as this channel has it. */
	get last(): Incoming<T> | undefined {
		return this.#event && { data: made(this.#data!), message: this.#event }
	}

	/** Whether the value follows from this message already. */
	hasSeen(message: Message): boolean {
		return this.#seen === message
	}

	/** Whether a late reader is shown the last event. */
	get isLatest(): boolean {
		return this.#operator.isLatest
	}

	/**
	 * Takes an event in.
	 *
	 * @returns whether it is an event of this channel too; or why it could not be, which `fail` keeps: the value is a `Fallback`
	 * then, if there is one
	 */
	take(data: unknown, message: Message): boolean | SseError {
		this.#seen = message
		const { era } = this.#session
		try {
			const value = this.#operator.apply(data)
			// The user's function has gone to another URL, where this is no event.
			if (this.#session.era !== era) return false
			if (value instanceof Fallback) {
				this.#current.set(value.value)
				return value.error
			}
			this.#error.set(undefined)
			if (value === skipped) return false
			this.#data = value as T | Lazy<T>
			this.#current.set(this.#data)
			this.#event = message
			return true
		} catch (thrown) {
			if (thrown instanceof SseError) return thrown
			report(thrown)
			const text = (DEV ? 'A function given to the channel threw: ' : '') + toError(thrown).message
			return new SseError('callback', text, { cause: thrown })
		}
	}

	get hasFailed(): boolean {
		return this.#error.plain !== undefined
	}

	fail(error: SseError | undefined): void {
		this.#error.set(error)
	}

	/** Starts over, if the URL is another. */
	follow(): boolean {
		const { era } = this.#session
		if (era === this.#era) return false
		// Until the first URL is settled, values are for the URL that was wanted when they were made.
		const isSame = this.#era === 0 && this.#url === untrack(() => this.#session.url())
		this.#era = era
		if (!isSame) this.#reset()
		return !isSame
	}

	/** Starts over with a stream that starts over, if the operator does. */
	restart(): boolean {
		if (!this.#operator.restarts) return false
		this.#reset()
		return true
	}

	#reset(): void {
		this.#url = untrack(() => this.#session.url())
		this.#seen = this.#event = this.#data = undefined
		this.#operator.reset?.()
		this.#error.set(undefined)
		// The user's function may throw; what it was before is shown no more.
		this.#current.set(null as T | I)
		this.#current.set(this.#operator.initial(this.#url))
	}
}
