import { untrack } from 'svelte'

/**
 * A value that may change a thousand times between two looks at it, as reactive state.
 *
 * Its readers are told of the first change since one of them looked, and then of none until one has looked again: they
 * know already, and what they will see is the newest in any case. While nobody looks a change costs an assignment.
 */
export class Latest<T> {
	/** The value, for those who need not be told of changes. */
	plain: T
	#isTold = true
	#told = $state.raw(0)

	constructor(value: T) {
		this.plain = value
	}

	get value(): T {
		this.#isTold = false
		void this.#told
		return this.plain
	}

	/** @returns whether readers had to be told */
	set(value: T): boolean {
		const before = this.plain
		this.plain = value
		if (this.#isTold || Object.is(value, before)) return false
		this.#isTold = true
		// A `$derived` may open a connection, and must not change state that others look at, as Svelte sees it.
		untrack(() => this.#told++)
		return true
	}
}
