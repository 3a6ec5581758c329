import type { SseError } from '../errors.js'
import type { Message } from '../link/types.js'
import { Listeners } from '../parts/listeners.js'
import type { Receiver } from './feed.js'
import type { Listening } from './iterate.js'
import { begin, end, enqueue, type Publisher } from '../parts/publish.js'

interface Subscriber<V> {
	run(value: V): void
	invalidate: (() => void) | undefined
}

interface Listener<T> extends Partial<Pick<Listening<T>, 'ended'>> {
	event(data: T, message: Message): void
}

/** Who hears the events of a channel: channels at once, everybody else when all channels have taken the event in. */
export class Outlets<T, I> implements Publisher {
	/** Channels that are made of this one. */
	readonly derived = new Listeners<Receiver<T>>()
	/** See every value. */
	readonly subscribers = new Listeners<Subscriber<T | I>>()
	/** Hear every event. */
	readonly listeners = new Listeners<Listener<T>>()

	get isUsed(): boolean {
		return this.derived.size + this.subscribers.size + this.listeners.size > 0
	}

	/** One more event. */
	deliver(value: T, message: Message): void {
		this.subscribers.each(invalidate)
		if (this.subscribers.size + this.listeners.size > 0) enqueue(this, value, message)
		this.derived.each(tell<T>, value, message)
	}

	/** Another value, which is no event. */
	show(value: T | I): void {
		this.subscribers.each(invalidate)
		if (this.subscribers.size > 0) enqueue(this, value, undefined)
		this.derived.each((receiver) => receiver.again())
	}

	/** The connection was closed. */
	ended(error: SseError | undefined): void {
		this.derived.each((receiver) => receiver.ended(error))
		// Behind the event that is being published: it was closed by one who heard it before others did.
		begin()
		enqueue({ publish: () => this.listeners.each((listener) => listener.ended?.(error)) })
		end()
	}

	publish(value: unknown, message: unknown): void {
		this.subscribers.each(run, value as T | I)
		if (message) this.listeners.each(tell<T>, value as T, message as Message)
	}
}

function invalidate(subscriber: Subscriber<never>): void {
	subscriber.invalidate?.()
}

function run<V>(subscriber: Subscriber<V>, value: V): void {
	subscriber.run(value)
}

function tell<T>(listener: Listener<T>, data: T, message: Message): void {
	listener.event(data, message)
}
