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

	/** @param what is handed to `tell`, which then needs no closure: some listen to very many events. */
	each<A extends unknown[]>(tell: (listener: L, ...what: A) => void, ...what: A): void {
		const all = this.#all
		for (const entry of all) {
			if (this.#all !== all && !this.#all.includes(entry)) continue
			try {
				tell(entry[0], ...what)
			} catch (thrown) {
				report(thrown)
			}
		}
	}
}
