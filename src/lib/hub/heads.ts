import type { Broker, Cursor } from './broker.js'

/**
 * Where the log ends, asked for many at once: whoever asks while an answer is on its way shares the next question, since
 * that answer may be older than what they have been told is stored.
 */
export class Heads {
	readonly #broker: Broker
	#current: Promise<Cursor> | undefined
	#next: Promise<Cursor> | undefined

	constructor(broker: Broker) {
		this.#broker = broker
	}

	/** The end of the log; everything that was stored before this call stands before it. */
	ask(): Promise<Cursor> {
		if (!this.#current) return this.#start()
		return (this.#next ??= settled(this.#current).then(() => this.#start()))
	}

	/** Undefined if nobody waits for an answer; else resolves when all that was asked by now is answered, or cannot be. */
	get settled(): Promise<void> | undefined {
		const last = this.#next ?? this.#current
		return last && settled(last)
	}

	#start(): Promise<Cursor> {
		this.#next = undefined
		const current = this.#broker.head()
		this.#current = current
		void settled(current).then(() => {
			if (this.#current === current) this.#current = undefined
		})
		return current
	}
}

function settled(promise: Promise<unknown>): Promise<void> {
	return promise.then(
		() => {},
		() => {}
	)
}
