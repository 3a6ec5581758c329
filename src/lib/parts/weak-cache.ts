/**
 * What was made for a name, for as long as anybody has it: asking again gives the same. A server that selects a channel for
 * each order it ever sees must not keep them all.
 */
export class WeakCache<V extends object> {
	readonly #entries = new Map<string, WeakRef<V>>()
	readonly #collected = new FinalizationRegistry<string>((name) => {
		// Meanwhile it may have been made again.
		if (!this.#entries.get(name)?.deref()) this.#entries.delete(name)
	})

	get(name: string, make: () => V): V {
		const known = this.#entries.get(name)?.deref()
		if (known) return known
		const value = make()
		this.#entries.set(name, new WeakRef(value))
		this.#collected.register(value, name)
		return value
	}
}
