import { untrack } from 'svelte'
import type { Readable } from 'svelte/store'
import type { Feed, Opened } from './channel/feed.js'
import { iterate, Nexts, type Listening, type NextOptions } from './channel/iterate.js'
import { Lease } from './channel/lease.js'
import { list, type ListOptions } from './channel/list.js'
import { made, type JsonFailure, type Lazy, type Operator } from './channel/operator.js'
import * as operators from './channel/operators.js'
import { Outlets } from './channel/outlets.js'
import { together } from './parts/publish.js'
import { Value } from './channel/value.js'
import { environment } from './environment.js'
import type { SseError } from './errors.js'
import type { Message } from './link/types.js'
import {
	holdNow,
	holdOnceShown,
	isInComponent,
	isTracking,
	reader,
	Unowned,
	whileShown
} from './reactive.svelte.js'

/** The second argument of `on`: the id and the time of an event. */
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
 * Reading `current` in an effect or template, subscribing, listening and iterating open the connection and hold it. When
 * the last reader has left, the connection closes after its `linger`. `subscribe`, `json` and `transform` work by themselves
 * too.
 *
 * @typeParam T the data of an event
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
	readonly #feed: Feed
	readonly #operator: Operator<unknown, T, I>
	readonly #value: Value<T, I>
	/** Holds the feed open. */
	readonly #lease: Lease
	/** Hear its events. */
	readonly #outlets = new Outlets<T, I>()
	readonly #nexts = new Nexts<T>((listening) => this.#listen(listening))
	readonly #unowned = new Unowned(() => this.#holdNow())

	/** @internal Channels are made by `select()`, and by one another. */
	constructor(feed: Feed, operator: Operator<never, T, I>) {
		this.#feed = feed
		this.#operator = operator as Operator<unknown, T, I>
		this.#value = new Value(this.#operator, feed.session)
		this.#lease = new Lease(feed.session, (isQuiet) => this.#open(isQuiet))
	}

	/**
	 * The value of the last event, or the initial value. Reading it in an effect or template opens the connection; reading it
	 * elsewhere does not.
	 */
	get current(): T | I {
		this.#track()
		this.#look()
		return this.#value.current
	}

	/** Why the last event could not be read; the next good event clears it. Reading it opens nothing. */
	get error(): SseError | undefined {
		return this.#value.error
	}

	/**
	 * The store contract: calls `run` with the value at once, and then with each new one, equal ones included.
	 *
	 * @param run called with each value
	 * @param invalidate called before any `run` of an event, as Svelte's own stores do
	 * @returns an unsubscribe function
	 */
	readonly subscribe = (run: (value: T | I) => void, invalidate?: () => void): (() => void) => {
		const release = this.#hold()
		let remove: (() => void) | undefined
		const stop = (): void => {
			remove?.()
			release()
		}
		try {
			this.#look()
			const value = made(this.#value.plain)
			// Before its first run, which may change the value.
			remove = this.#outlets.subscribers.add({ run, invalidate })
			run(value)
		} catch (thrown) {
			stop()
			throw thrown
		}
		return stop
	}

	/**
	 * Parses the data as JSON. Data that a contract has read already, and that is no text, stays as it is.
	 *
	 * @param or returns the fallback value when an event is not valid JSON, and the value before the first event, for which
	 * `raw` is empty. Default: `null`.
	 *
	 * @example
	 * ```ts
	 * const order = source('/orders').select('order').json<Order>(({ previous }) => previous)
	 * ```
	 */
	readonly json = <U = unknown>(
		or?: (failure: JsonFailure<U>) => U | null
	): SseChannel<U, U | null> => this.#derive(operators.json<T, U>(or))

	/** Turns each event into something else. If `fn` throws, the event is left out, and `error` says why. */
	readonly transform: {
		/** Turns each event into something else. */
		<U>(fn: (data: T) => U): SseChannel<U, U | null>
		/**
		 * As 0.14 typed it: `fn` may return `null` although the type that is written is without it.
		 *
		 * @deprecated Write `transform<U | null>`.
		 */
		<U>(fn: (data: T) => U | null): SseChannel<U | null, U | null>
	} = <U>(fn: (data: T) => U): SseChannel<U, U | null> => this.#derive(operators.transform(fn))

	/** Keeps the events for which `fn` returns true; a type guard narrows the type. */
	filter<U extends T>(fn: (data: T) => data is U): SseChannel<U, I>
	/** Keeps the events for which `fn` returns true. */
	filter(fn: (data: T) => boolean): SseChannel<T, I>
	filter(fn: (data: T) => boolean): SseChannel<T, I> {
		return this.#derive(operators.filter<T, I>(fn, (url) => this.#operator.initial(url) as I))
	}

	/**
	 * Folds every event into one value, such as tokens into a text.
	 *
	 * @param fn returns the new value; it may change the old value in place and return it
	 * @param options `restart`: starts over when the connection comes back with a stream that did not resume. Default: false.
	 *
	 * @example
	 * ```ts
	 * const answer = source('/chat').select('token').scan((text, token) => text + token, '')
	 * ```
	 */
	scan<A>(
		fn: (accumulated: A, data: T) => A,
		initial: A,
		options?: operators.ScanOptions
	): SseChannel<A, A> {
		return this.#derive(operators.scan(fn, initial, options))
	}

	/**
	 * Collects the events in an array.
	 *
	 * @param options `max`: the number of items kept, the oldest go first, default all; `key`: an item replaces the item with the
	 * same key; `restart`: starts over when the connection comes back with a stream that did not resume, default false.
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
		const remove = this.#outlets.listeners.add({
			event: (data, { id, at }) => fn(data, new Meta(id, at))
		})
		const release = this.#hold()
		return () => {
			remove()
			release()
		}
	}

	/**
	 * The next event. In a loop that waits for nothing else, it gives every event of a burst, if it is the channel's only such
	 * loop; otherwise use `for await`.
	 * While a server renders a component, where nothing is opened, it gives the value before the first event.
	 *
	 * @param options `timeout`: milliseconds to wait, default no limit; `signal`: stops waiting when it aborts.
	 * @throws {SseError} `timeout`, `aborted`, `closed`, or the error that closed the connection.
	 */
	next(options?: NextOptions): Promise<T> {
		if (!environment.isClient && isInComponent())
			return Promise.resolve(made(this.#value.plain) as T)
		return this.#nexts.next(options)
	}

	/**
	 * Every event from now on, for `for await`. Up to 10,000 events wait for a slow loop; with more, the loop throws `overflow`.
	 * The loop ends when the connection is closed, and throws the error that closed it.
	 */
	[Symbol.asyncIterator](): AsyncIterableIterator<T, undefined> {
		return iterate((listening) => this.#listen(listening))
	}

	#listen(listening: Listening<T>): () => void {
		const remove = this.#outlets.listeners.add(listening)
		const release = this.#holdNow()
		const ending = this.#feed.session.ending()
		if (ending) listening.ended(ending.error)
		return () => {
			remove()
			release()
		}
	}

	#derive<U, J>(operator: Operator<T, U, J>): SseChannel<U, J> {
		const feed: Feed<T> = {
			session: this.#feed.session,
			open: (receiver, isQuiet) => {
				const remove = this.#outlets.derived.add(receiver)
				// A derived channel has lingered before it lets go.
				const release = this.#lease.hold(undefined, isQuiet, false)
				return {
					close: () => {
						remove()
						release()
					},
					renew: () => this.#lease.renew()
				}
			},
			last: () => {
				this.#look()
				return this.#value.last
			}
		}
		// What is made of the last item starts over with what it is made of.
		const { restarts = operator.isLatest && this.#operator.restarts } = operator
		return new SseChannel<U, J>(feed as Feed, { ...(operator as Operator<never, U, J>), restarts })
	}

	/** Holds the connection for as long as the effect, template or derived that reads now. */
	#track(): void {
		if (!isTracking()) return
		const { session } = this.#feed
		const who = reader()
		let isOld = this.#lease.isReturning(who) ? () => true : session.closings(true)
		const isOwned = whileShown(() => {
			session.follow?.()
			const release = untrack(() => this.#lease.hold(who, isOld()))
			// It runs again by itself if the URL is another.
			isOld = () => this.#lease.isReturning(who)
			return release
		})
		if (!isOwned) this.#unowned.track()
	}

	#hold(): () => void {
		const { session } = this.#feed
		const isClosed = session.closings(false)
		return holdOnceShown(() => this.#lease.hold(undefined, isClosed()), session.follow)
	}

	#holdNow(): () => void {
		return holdNow(() => this.#lease.hold(), this.#feed.session.follow)
	}

	#open(isQuiet: boolean): Opened {
		const opened = this.#feed.open(
			{
				event: (data, message) => this.#take(data, message),
				failed: (error) => this.#fail(error),
				again: () => this.#catchUp(),
				fresh: () => this.#restart(),
				ended: (error) => this.#ended(error)
			},
			isQuiet
		)
		this.#catchUp()
		return opened
	}

	/** Nobody holds the connection any more; a new reader opens it again. */
	#ended(error: SseError | undefined): void {
		this.#outlets.ended(error)
		this.#lease.endUnheld()
	}

	/** While it is not open, nobody says what has come meanwhile. */
	#look(): void {
		// A user's function may read state, which is not what the reader depends on.
		if (!this.#lease.isOpen) untrack(() => this.#catchUp())
	}

	/** Shows what came while nobody was there to see it, or that everything starts over. */
	#catchUp(): void {
		const value = this.#value
		const isReset = value.follow()
		const last = value.isLatest ? this.#feed.last(() => this.#catchUp()) : undefined
		if (last && !value.hasSeen(last.message)) return this.#take(last.data, last.message, true)
		if (isReset) this.#show()
	}

	#restart(): void {
		if (this.#value.restart()) this.#show()
		this.#outlets.derived.each((receiver) => receiver.fresh())
	}

	/** @param isOld the event came before: it is shown, and listeners do not hear of it */
	#take(data: unknown, message: Message, isOld = false): void {
		const taken = this.#value.take(data, message)
		if (taken !== true) this.#missed(taken)
		else if (isOld) this.#show()
		else {
			this.#unowned.changed()
			this.#outlets.deliver(this.#value.plain as T | Lazy<T>, message)
		}
	}

	/** An event was none here. */
	#missed(taken: SseError | false | undefined): void {
		if (taken === false) return
		this.#fail(taken)
		if (!taken) return
		this.#feed.session.failed(taken)
		if (taken.code === 'parse') this.#show()
	}

	/** There is another value, which is no event. */
	#show(): void {
		together(() => {
			this.#unowned.changed()
			this.#outlets.show(made(this.#value.plain))
		})
	}

	#fail(error: SseError | undefined): void {
		this.#value.fail(error)
		this.#outlets.derived.each((receiver) => receiver.failed(error))
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
