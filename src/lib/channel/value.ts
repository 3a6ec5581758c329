import { DEV } from 'esm-env'
import { untrack } from 'svelte'
import { SseError, toError } from '../errors.js'
import type { Message } from '../link/types.js'
import { report } from '../parts/report.js'
import { Cell } from '../reactive.svelte.js'
import type { Incoming, Session } from './feed.js'
import { made, Unmade, type Lazy, type Operator } from './operator.js'

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
	/** The stream that it belongs to, if that was known. */
	#stream: object | undefined

	constructor(operator: Operator<unknown, T, I>, session: Session) {
		this.#operator = operator
		this.#session = session
		this.#url = untrack(() => session.url())
		this.#era = session.era
		this.#stream = session.stream
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
	 * @returns whether it is an event of this channel too; `undefined` if it is none, but the error before it is over; or why it
	 * could not be read, which `fail` keeps: the value is a `Fallback` then, if there is one
	 */
	take(data: unknown, message: Message): boolean | undefined | SseError {
		this.#seen = message
		const { era } = this.#session
		const value = this.#apply(data)
		if (this.#session.era !== era || value instanceof Unmade) return this.#settle(value, era)
		if (this.hasFailed) this.#error.set(undefined)
		this.#data = value
		this.#current.set(value)
		this.#event = message
		return true
	}

	#apply(data: unknown): T | Lazy<T> | Unmade<T | I> {
		try {
			return this.#operator.apply(data)
		} catch (thrown) {
			return new Unmade(undefined, errorOf(thrown))
		}
	}

	/** There is no event. */
	#settle(value: unknown, era: number): false | undefined | SseError {
		// The user's function has gone to another URL, where this is no event, and left something of it behind.
		if (this.#session.era !== era) {
			this.#operator.reset?.()
			return false
		}
		const { error, fallback } = value as Unmade<T | I>
		if (fallback) this.#current.set(fallback.value)
		if (error) return error
		if (!this.hasFailed) return false
		this.#error.set(undefined)
		return undefined
	}

	get hasFailed(): boolean {
		return this.#error.plain !== undefined
	}

	fail(error: SseError | undefined): void {
		this.#error.set(error)
	}

	/** Starts over, if the URL is another, or the stream, where the operator starts over with it. */
	follow(): boolean {
		const { era, stream } = this.#session
		// Until the first URL is settled, values are for the URL that is wanted when they are looked at.
		const isLook = this.#era === 0
		if (isLook || era !== this.#era) {
			const isSame = isLook && this.#url === untrack(() => this.#session.url())
			this.#era = era
			if (!isSame) this.#reset()
			return !isSame
		}
		// Nobody may have been there to hear that it starts over.
		return stream !== undefined && stream !== this.#stream && this.restart()
	}

	/** Starts over with a stream that starts over, if the operator does. */
	restart(): boolean {
		this.#stream = this.#session.stream
		if (!this.#operator.restarts) return false
		this.#reset()
		return true
	}

	#reset(): void {
		this.#url = untrack(() => this.#session.url())
		this.#stream = this.#session.stream
		this.#seen = this.#event = this.#data = undefined
		this.#operator.reset?.()
		this.#error.set(undefined)
		// The user's function may throw; what it was before is shown no more.
		this.#current.set(null as T | I)
		this.#current.set(this.#operator.initial(this.#url))
	}
}

function errorOf(thrown: unknown): SseError {
	if (thrown instanceof SseError) return thrown
	report(thrown)
	const text = (DEV ? 'A function given to the channel threw: ' : '') + toError(thrown).message
	return new SseError('callback', text, { cause: thrown })
}
