import type { SseError } from '../errors.js'
import type { Message } from '../link/types.js'
import { Listeners } from '../parts/listeners.js'
import { publish, together } from '../parts/publish.js'
import type { Receiver } from './feed.js'
import type { Listening } from './iterate.js'
import { made, type Lazy } from './operator.js'

interface Subscriber<V> {
	run(value: V): void
	invalidate: (() => void) | undefined
}

interface Listener<T> extends Partial<Pick<Listening<T>, 'ended'>> {
	event(data: T, message: Message): void
}

/** Who hears the events of a channel: channels at once, everybody else when all channels have taken the event in. */
export class Outlets<T, I> {
	/** Channels that are made of this one. */
	readonly derived = new Listeners<Receiver<T>>()
	/** See every value. */
	readonly subscribers = new Listeners<Subscriber<T | I>>()
	/** Hear every event. */
	readonly listeners = new Listeners<Listener<T>>()

	/** One more event. */
	deliver(value: T | Lazy<T>, message: Message): void {
		if (this.subscribers.size > 0) this.#change(made(value))
		if (this.listeners.size > 0) publish(this.listeners, tell<T>, made(value), message)
		if (this.derived.size > 0) this.derived.each(tell<T>, made(value), message)
	}

	/** Another value, which is no event. */
	show(value: T | I): void {
		if (this.subscribers.size > 0) this.#change(value)
		this.derived.each((receiver) => receiver.again())
	}

	/** The connection was closed. */
	ended(error: SseError | undefined): void {
		this.derived.each((receiver) => receiver.ended(error))
		// Behind the event that is being published: it was closed by one who heard it before others did.
		together(() => publish(this.listeners, conclude, error, undefined))
	}

	#change(value: T | I): void {
		this.subscribers.each(invalidate)
		publish(this.subscribers, run, value, undefined)
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

function conclude(listener: Listener<never>, error: SseError | undefined): void {
	listener.ended?.(error)
}
