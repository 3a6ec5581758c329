import { DEV } from 'esm-env'
import { untrack } from 'svelte'
import { createSubscriber } from 'svelte/reactivity'
import type { Readable } from 'svelte/store'
import type { Feed, Incoming, Receiver } from './channel/feed.js'
import { iterate, nextOf, type Listening, type NextOptions } from './channel/iterate.js'
import { list, type ListOptions } from './channel/list.js'
import { Lazy, type JsonFailure, type Operator, type Outcome } from './channel/operator.js'
import * as operators from './channel/operators.js'
import { SseError, toError } from './errors.js'
import { Latest } from './latest.svelte.js'
import { Listeners } from './link/listeners.js'
import { report } from './link/report.js'
import type { Message } from './link/types.js'

/** What belongs to an event beside its data. */
export interface EventMeta {
	/** The event's own id, if it carried one. */
	id?: string
	/** When it arrived. */
	at: Date
}

/**
 * The events of one name, as reactive state: `current` in runes, `$channel` as a store, and every single event through
 * `on`, `next` and `for await`.
 *
 * Reading `current` in an effect or template, subscribing, listening and iterating open the connection and hold it; when
 * the last of them has gone it closes after the connection's `linger`.
 *
 * @typeParam T what an event carries
 * @typeParam I the value before the first event
 *
 * @example
 * ```svelte
 * <script>
 * 	import { source } from 'sveltekit-sse'
 * 	const time = source('/clock').select('message')
 * </script>
 *
 * {time.current}
 * ```
 */
export class SseChannel<T, I = undefined> implements Readable<T | I>, AsyncIterable<T> {
	readonly #current: Latest<T | I | Lazy<T>>
	/** Usually undefined; setting it again is free. */
	#error = $state.raw<SseError>()
	readonly #feed: Feed
	readonly #operator: Operator<unknown, T, I>
	readonly #initial: T | I | Lazy<T>
	readonly #subscribers = new Listeners<(value: T | I) => void>()
	readonly #receivers = new Listeners<Receiver<T>>()
	readonly #track = createSubscriber((update) => {
		this.#update = update
		return this.#hold()
	})
	/** Runs readers again. State that a template makes and reads in one breath is not tracked by that template. */
	#update: (() => void) | undefined
	#holds = 0
	/** Closes the feed; there while it is open. */
	#close: (() => void) | undefined
	/** Calls off the closing that lingers. */
	#stay: (() => void) | undefined
	/** The last message that was taken in, and the last that became an event of this channel. */
	#seen: Message | undefined
	#event: Message | undefined
	#eventData: T | Lazy<T> | undefined
	/** Which URL the value belongs to. */
	#generation: number

	/** @internal Channels are made by `select()`, and by one another. */
	constructor(feed: Feed, operator: Operator<never, T, I>) {
		this.#feed = feed
		this.#operator = operator as Operator<unknown, T, I>
		this.#initial = this.#operator.initial()
		this.#current = new Latest(this.#initial)
		this.#generation = feed.generation()
	}

	/**
	 * The value of the last event, or the initial one. Reading it in an effect or template opens the connection; reading it
	 * elsewhere only looks.
	 */
	get current(): T | I {
		this.#track()
		if (!this.#close) this.#catchUp()
		return made(this.#current.value)
	}

	/** Why the last event could not be read; the next good one clears it. Reading it opens nothing. */
	get error(): SseError | undefined {
		return this.#error
	}

	/**
	 * The store contract: calls `run` with the value at once, and then with each new one, equal ones included.
	 *
	 * @returns an unsubscribe function
	 */
	subscribe(run: (value: T | I) => void): () => void {
		const release = this.#hold()
		const remove = this.#subscribers.add(run)
		run(made(this.#current.plain))
		return () => {
			remove()
			release()
		}
	}

	/**
	 * Parses the data as JSON.
	 *
	 * @param or returns the fallback value when an event is not valid JSON, and the value before the first event, for which
	 * `raw` is empty. Default: `null`.
	 *
	 * @example
	 * ```ts
	 * const order = source('/orders').select('order').json<Order>(({ previous }) => previous)
	 * ```
	 */
	json<U = unknown>(or?: (failure: JsonFailure<U>) => U | null): SseChannel<U, U | null> {
		return this.#derive(operators.json<T, U>(or))
	}

	/** Turns each event into something else. If `fn` throws, the event is left out and `error` says why. */
	transform<U>(fn: (data: T) => U): SseChannel<U, U | null>
	/**
	 * As 0.14 typed it: `fn` may return `null` although the type that is written is without it.
	 *
	 * @deprecated Write `transform<U | null>`.
	 */
	transform<U>(fn: (data: T) => U | null): SseChannel<U | null, U | null>
	transform<U>(fn: (data: T) => U): SseChannel<U, U | null> {
		return this.#derive(operators.transform(fn))
	}

	/** Keeps the events for which `fn` returns true. */
	filter(fn: (data: T) => boolean): SseChannel<T, I> {
		return this.#derive(operators.filter<T, I>(fn, this.#initial as I))
	}

	/**
	 * Folds every event into one value, such as tokens into a text.
	 *
	 * @example
	 * ```ts
	 * const answer = source('/chat').select('token').scan((text, token) => text + token, '')
	 * ```
	 */
	scan<A>(fn: (accumulated: A, data: T) => A, initial: A): SseChannel<A, A> {
		return this.#derive(operators.scan(fn, initial))
	}

	/**
	 * Collects the events in an array.
	 *
	 * @param options `max`: items kept, the oldest go first, default all; `key`: an item whose key is there replaces that one.
	 */
	list(options?: ListOptions<T>): SseChannel<T[], T[]> {
		return this.#derive(list(options))
	}

	/**
	 * Calls `fn` with every event from now on, duplicates and bursts included.
	 *
	 * @returns an unsubscribe function
	 */
	on(fn: (data: T, meta: EventMeta) => void): () => void {
		return this.#receive({ event: (data, { id, at }) => fn(data, new Meta(id, at)) })
	}

	/**
	 * The next event.
	 *
	 * @param options `timeout`: milliseconds, default none; `signal`: gives up.
	 * @throws {SseError} `timeout`, `aborted`, or what closed the connection.
	 */
	next(options?: NextOptions): Promise<T> {
		return nextOf((listening) => this.#listen(listening), options)
	}

	/** Every event from now on, for `for await`; up to 10,000 may wait for the loop. */
	[Symbol.asyncIterator](): AsyncIterator<T> {
		return iterate((listening) => this.#listen(listening))
	}

	#listen(listening: Listening<T>): () => void {
		const stop = this.#receive(listening)
		const over = this.#feed.over()
		if (over) listening.ended(over.error)
		return stop
	}

	/** @param isChannel the receiver is a derived channel, which has lingered before it lets go */
	#receive(receiver: Receiver<T>, isChannel = false): () => void {
		const release = this.#hold(isChannel)
		const remove = this.#receivers.add(receiver)
		return () => {
			remove()
			release()
		}
	}

	#derive<U, J>(operator: Operator<T, U, J>): SseChannel<U, J> {
		const feed: Feed<T> = {
			open: (receiver) => this.#receive(receiver, true),
			last: () => this.#last(),
			over: () => this.#feed.over(),
			later: (run) => this.#feed.later(run),
			generation: () => this.#feed.generation(),
			failed: () => {}
		}
		return new SseChannel<U, J>(feed as Feed, operator as Operator<never, U, J>)
	}

	#last(): Incoming<T> | undefined {
		if (!this.#close) this.#catchUp()
		return this.#event && { data: made(this.#eventData!), message: this.#event }
	}

	/**
	 * One more reader. The first opens the feed; after the last has gone it stays open for the linger, so that a page which
	 * takes over from another finds it, and every event with it.
	 */
	#hold(isChannel = false): () => void {
		this.#stay?.()
		this.#stay = undefined
		if (this.#holds++ === 0 && !this.#close) this.#open()
		let isHeld = true
		return () => {
			if (!isHeld) return
			isHeld = false
			if (--this.#holds > 0) return
			if (isChannel) this.#letGo()
			else this.#stay = this.#feed.later(() => this.#letGo())
		}
	}

	#letGo(): void {
		this.#stay?.()
		const close = this.#close
		this.#close = this.#stay = undefined
		close?.()
	}

	#open(): void {
		this.#close = this.#feed.open({
			event: (data, message) => this.#take(data, message),
			again: () => this.#catchUpAgain(),
			ended: (error) => this.#ended(error),
			failed: (error) => this.#fail(error)
		})
		this.#catchUp()
	}

	#ended(error: SseError | undefined): void {
		// There is nothing to stay for, and who stays would be taken for a reader.
		if (this.#holds === 0) this.#letGo()
		this.#receivers.each((receiver) => receiver.ended?.(error))
	}

	/**
	 * Shows what came while nobody was there to see it.
	 *
	 * @returns whether there was anything
	 */
	#catchUp(): boolean {
		return untrack(() => {
			const isReset = this.#feed.generation() !== this.#generation
			if (isReset) this.#reset()
			const last = this.#operator.isLatest && this.#feed.last(() => this.#catchUpAgain())
			if (!last || last.message === this.#seen) return isReset
			return !!this.#apply(last.data, last.message) || isReset
		})
	}

	/** There is something to catch up with now, for those too who look on. */
	#catchUpAgain(): void {
		if (!this.#catchUp()) return
		if (this.#close) this.#update?.()
		this.#publish()
		this.#receivers.each((receiver) => receiver.again?.())
	}

	#take(data: unknown, message: Message): void {
		const outcome = this.#apply(data, message, this.#update)
		if (!outcome) return
		if (this.#subscribers.size > 0) this.#publish()
		if (!outcome.isEvent || this.#receivers.size === 0) return
		const value = made(outcome.value) as T
		this.#receivers.each(hand<T>, value, message)
	}

	#apply(data: unknown, message: Message, update?: () => void): Outcome<T, I> | undefined {
		this.#seen = message
		try {
			const outcome = this.#operator.apply(data)
			if (!outcome) return undefined
			if (this.#current.set(outcome.value)) update?.()
			this.#error = outcome.error
			if (outcome.isEvent) {
				this.#event = message
				this.#eventData = outcome.value as T | Lazy<T>
			}
			return outcome
		} catch (thrown) {
			this.#broken(thrown)
			return undefined
		}
	}

	#broken(thrown: unknown): void {
		if (thrown instanceof SseError) {
			this.#fail(thrown)
			this.#feed.failed(thrown)
			return
		}
		const message = (DEV ? 'A function given to the channel threw: ' : '') + toError(thrown).message
		this.#fail(new SseError('callback', message, { cause: thrown }))
		report(thrown)
	}

	#fail(error: SseError): void {
		this.#error = error
		this.#receivers.each((receiver) => receiver.failed?.(error))
	}

	#reset(): void {
		this.#generation = this.#feed.generation()
		this.#seen = this.#event = this.#eventData = undefined
		this.#error = undefined
		this.#current.set(this.#operator.initial())
	}

	#publish(): void {
		const value = made(this.#current.plain)
		this.#subscribers.each((run) => run(value))
	}
}

/** Most listeners never look at the time, and a date costs more than the rest of the event's way. */
class Meta implements EventMeta {
	readonly id: string | undefined
	readonly #at: number

	constructor(id: string | undefined, at: number) {
		this.id = id
		this.#at = at
	}

	get at(): Date {
		return new Date(this.#at)
	}
}

function hand<T>(receiver: Receiver<T>, data: T, message: Message): void {
	receiver.event(data, message)
}

function made<V>(value: V | Lazy<V>): V {
	return value instanceof Lazy ? value.value : value
}
