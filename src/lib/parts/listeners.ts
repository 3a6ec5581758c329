import { report } from './report.js'

/** Those who listen at some moment. */
export type Present<L> = readonly [L][]

/**
 * Who wants to hear of something. The list is replaced, never changed, so that coming and going while it is told disturbs
 * nobody: who has left hears no more, who has come hears from the next time on. One that throws does not stop the others.
 */
export class Listeners<L> {
	#all: Present<L> = []

	get size(): number {
		return this.#all.length
	}

	/** Those who listen now. */
	get present(): Present<L> {
		return this.#all
	}

	/** @returns what removes it again */
	add(listener: L): () => void {
		const entry: [L] = [listener]
		this.#all = [...this.#all, entry]
		return () => {
			if (this.#all.includes(entry)) this.#all = this.#all.filter((other) => other !== entry)
		}
	}

	/**
	 * @param first, second are handed to `tell`, which then needs no closure: some listen to very many events.
	 * @param all those who are told, unless they have left since
	 */
	each(tell: (listener: L) => void): void
	each<A>(tell: (listener: L, first: A) => void, first: A): void
	each<A, B>(
		tell: (listener: L, first: A, second: B) => void,
		first: A,
		second: B,
		all?: Present<L>
	): void
	each<A, B>(
		tell: (listener: L, first?: A, second?: B) => void,
		first?: A,
		second?: B,
		all = this.#all
	): void {
		for (let index = 0; index < all.length; index++) {
			const entry = all[index]!
			if (this.#all === all || this.#all.includes(entry)) attempt(tell, entry[0], first, second)
		}
	}
}

function attempt<L, A, B>(
	tell: (listener: L, first?: A, second?: B) => void,
	listener: L,
	first: A | undefined,
	second: B | undefined
): void {
	try {
		tell(listener, first, second)
	} catch (thrown) {
		report(thrown)
	}
}
