import { clock } from '../clock.js'
import type { BrokerHistory } from '../hub/broker.js'

/** Decides when to prune: after so many new entries, or after a while, whoever wrote them. */
export class Pruner {
	readonly #prune: () => Promise<void>
	readonly #every: number
	#last = clock.now()
	#entries = 0
	#running: Promise<void> | undefined

	constructor({ age = Infinity }: BrokerHistory, prune: () => Promise<void>) {
		this.#prune = prune
		this.#every = Math.min(10_000, age / 2)
	}

	count(entries: number): void {
		this.#entries += entries
		if (this.#entries >= 500) this.#start()
		else this.due()
	}

	due(): void {
		if (this.#entries > 0 && clock.now() - this.#last >= this.#every) this.#start()
	}

	/** Resolves when nothing is under way. */
	idle(): Promise<void> {
		return this.#running ?? Promise.resolve()
	}

	#start(): void {
		if (this.#running) return
		this.#last = clock.now()
		this.#entries = 0
		this.#running = this.#prune().finally(() => {
			this.#running = undefined
		})
	}
}
