import { report } from './report.js'

/**
 * Who wants to hear of something. The list is replaced, never changed, so that coming and going while it is told disturbs
 * nobody: who has left hears no more, who has come hears from the next time on. One that throws does not stop the others.
 */
export class Listeners<L> {
	#all: readonly [L][] = []

	get size(): number {
		return this.#all.length
	}

	/** @returns what removes it again */
	add(listener: L): () => void {
		const entry: [L] = [listener]
		this.#all = [...this.#all, entry]
		return () => {
			if (this.#all.includes(entry)) this.#all = this.#all.filter((other) => other !== entry)
		}
	}

	/** @param first, second are handed to `tell`, which then needs no closure: some listen to very many events. */
	each(tell: (listener: L) => void): void
	each<A>(tell: (listener: L, first: A) => void, first: A): void
	each<A, B>(tell: (listener: L, first: A, second: B) => void, first: A, second: B): void
	each<A, B>(tell: (listener: L, first?: A, second?: B) => void, first?: A, second?: B): void {
		const all = this.#all
		for (let index = 0; index < all.length; index++) {
			const entry = all[index]!
			if (this.#all !== all && !this.#all.includes(entry)) continue
			try {
				tell(entry[0], first, second)
			} catch (thrown) {
				report(thrown)
			}
		}
	}
}
