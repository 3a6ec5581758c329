import type { Writable } from 'svelte/store'
import type { EventStream } from './stream.js'

/**
 * A stream's openness as a store: `true` while it is open, and `set(false)` ends it.
 *
 * It is not Svelte's `writable`, whose subscribers are called later when another store is being set, while `emit` must
 * refuse from the very next statement on; and of which one that throws leaves every store of the process mute.
 */
export class Lock implements Writable<boolean> {
	readonly #stream: EventStream
	readonly #subscribers = new Set<(locked: boolean) => void>()

	constructor(stream: EventStream) {
		this.#stream = stream
	}

	// Arrow functions, since stores are taken apart.
	readonly set = (locked: boolean): void => {
		if (!locked) this.#stream.end('done')
	}

	readonly update = (change: (locked: boolean) => boolean): void => {
		this.set(change(!this.#stream.reason))
	}

	readonly subscribe = (run: (locked: boolean) => void): (() => void) => {
		// One that subscribes twice is called twice.
		const subscriber = (locked: boolean): void => run(locked)
		this.#subscribers.add(subscriber)
		run(!this.#stream.reason)
		return () => void this.#subscribers.delete(subscriber)
	}

	/** Tells the subscribers that the stream has ended; `report` hears of those that throw. */
	released(report: (thrown: unknown) => void): void {
		for (const run of [...this.#subscribers]) {
			try {
				run(false)
			} catch (thrown) {
				report(thrown)
			}
		}
		this.#subscribers.clear()
	}
}
