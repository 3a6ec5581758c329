import { clock, type Timer } from '../clock.js'

interface Waiting {
	at: number
	run: () => void
}

/**
 * Runs things a while later, unless they are called off: with one timer, however many wait, since all wait equally
 * long.
 */
export class Linger {
	readonly #waiting = new Set<Waiting>()
	readonly #duration: number
	#timer: Timer

	/** @param duration milliseconds */
	constructor(duration: number) {
		this.#duration = duration
	}

	/** @returns what calls it off */
	add(run: () => void): () => void {
		if (this.#duration <= 0) {
			run()
			return () => {}
		}
		const entry = { at: clock.now() + this.#duration, run }
		this.#waiting.add(entry)
		if (this.#waiting.size === 1) this.#arm(this.#duration)
		return () => {
			if (this.#waiting.delete(entry) && this.#waiting.size === 0) clock.clearTimeout(this.#timer)
		}
	}

	/** Runs everything now. */
	flush(): void {
		clock.clearTimeout(this.#timer)
		for (const entry of this.#waiting) {
			this.#waiting.delete(entry)
			entry.run()
		}
	}

	#arm(delay: number): void {
		this.#timer = clock.setTimeout(() => this.#fire(), delay)
	}

	#fire(): void {
		const now = clock.now()
		for (const entry of this.#waiting) {
			if (entry.at > now) return this.#arm(entry.at - now)
			this.#waiting.delete(entry)
			entry.run()
		}
	}
}
