import { report } from './report.js'

interface Entry<L> {
	listener: L
}

/**
 * Who wants to hear of something. The list is replaced, never changed, so that coming and going while it is told disturbs
 * nobody: who has left hears no more, who has come hears from the next time on. One that throws does not stop the others.
 */
export class Listeners<L> {
	#entries: readonly Entry<L>[] = []

	get size(): number {
		return this.#entries.length
	}

	/** @returns what removes it again */
	add(listener: L): () => void {
		const entry = { listener }
		this.#entries = [...this.#entries, entry]
		return () => {
			if (this.#entries.includes(entry))
				this.#entries = this.#entries.filter((other) => other !== entry)
		}
	}

	each(tell: (listener: L) => void): void {
		const entries = this.#entries
		for (const entry of entries) {
			if (entries !== this.#entries && !this.#entries.includes(entry)) continue
			try {
				tell(entry.listener)
			} catch (thrown) {
				report(thrown)
			}
		}
	}
}
