import { report } from './report.js'

/**
 * Who wants to hear of something. The set is replaced, never changed, so that coming and going while it is told disturbs
 * nobody: who has left hears no more, who has come hears from the next time on. One that throws does not stop the others.
 */
export class Listeners<L> {
	#all: ReadonlySet<[L]> = new Set()

	get size(): number {
		return this.#all.size
	}

	/** @returns what removes it again */
	add(listener: L): () => void {
		const entry: [L] = [listener]
		this.#all = new Set(this.#all).add(entry)
		return () => {
			const others = new Set(this.#all)
			if (others.delete(entry)) this.#all = others
		}
	}

	each(tell: (listener: L) => void): void {
		for (const entry of this.#all) {
			if (!this.#all.has(entry)) continue
			try {
				tell(entry[0])
			} catch (thrown) {
				report(thrown)
			}
		}
	}
}
