/** Places that may stand empty before what is left moves to the front. */
const maxEmpty = 64

/**
 * A list that grows at its end and is taken from at its front. Taking costs the same however long it is: an array moves
 * all that is left with each `shift`.
 */
export class Deque<T> {
	/** Those before `#start` have been taken. */
	#items: (T | undefined)[] = []
	#start = 0

	get length(): number {
		return this.#items.length - this.#start
	}

	push(item: T): void {
		this.#items.push(item)
	}

	/** Takes the oldest. */
	shift(): T | undefined {
		if (this.length === 0) return undefined
		const item = this.#items[this.#start]
		// What was taken may be large, and must not be kept until the list moves.
		this.#items[this.#start++] = undefined
		if (this.#start === this.#items.length) this.clear()
		else if (this.#start > maxEmpty && this.#start * 2 > this.#items.length) {
			this.#items = this.#items.slice(this.#start)
			this.#start = 0
		}
		return item
	}

	/** The one at a place, counted from the oldest; from the newest if negative. */
	at(place: number): T | undefined {
		const index = place < 0 ? this.#items.length + place : this.#start + place
		return index < this.#start ? undefined : this.#items[index]
	}

	/** Up to `limit` of them, from a place that is counted from the oldest. */
	slice(place: number, limit: number): T[] {
		const from = this.#start + place
		return this.#items.slice(from, from + limit) as T[]
	}

	clear(): void {
		this.#items = []
		this.#start = 0
	}
}
