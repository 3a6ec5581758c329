import { Deque } from './deque.js'

/**
 * What one side adds and the other takes, one by one, each time it asks. It ends once, with an error or without; what was
 * added before comes out first.
 */
export class Queue<T> implements AsyncIterableIterator<T, undefined> {
	readonly #items = new Deque<T>()
	#waiting: {
		resolve: (result: IteratorResult<T, undefined>) => void
		reject: (error: unknown) => void
	}[] = []
	#end: { error: unknown } | undefined
	readonly #released: () => void

	/** @param released called once, when nothing is added any more */
	constructor(released: () => void = () => {}) {
		this.#released = released
	}

	/** How many items wait. */
	get size(): number {
		return this.#items.length
	}

	/** Whether somebody waits for an item. */
	get isAwaited(): boolean {
		return this.#waiting.length > 0
	}

	get isEnded(): boolean {
		return this.#end !== undefined
	}

	push(item: T): void {
		if (this.#end) return
		const first = this.#waiting.shift()
		if (first) first.resolve({ value: item, done: false })
		else this.#items.push(item)
	}

	/** Nothing comes any more. */
	end(error?: unknown): void {
		if (this.#end) return
		this.#end = { error }
		const [first, ...others] = this.#waiting
		this.#waiting = []
		if (first) this.#conclude(first.resolve, first.reject)
		for (const { resolve } of others) resolve(done)
		this.#released()
	}

	next(): Promise<IteratorResult<T, undefined>> {
		return new Promise((resolve, reject) => {
			if (this.size > 0) resolve({ value: this.#items.shift()!, done: false })
			else if (this.#end) this.#conclude(resolve, reject)
			else this.#waiting.push({ resolve, reject })
		})
	}

	/** Ends it, and drops what waits. */
	async return(): Promise<IteratorReturnResult<undefined>> {
		this.#drop()
		return done
	}

	async throw(error?: unknown): Promise<IteratorReturnResult<undefined>> {
		this.#drop()
		throw error
	}

	[Symbol.asyncIterator](): this {
		return this
	}

	#drop(): void {
		this.#items.clear()
		this.end()
		this.#end = { error: undefined }
	}

	/** The error is told once. */
	#conclude(
		resolve: (result: IteratorResult<T, undefined>) => void,
		reject: (error: unknown) => void
	): void {
		const { error } = this.#end!
		this.#end = { error: undefined }
		if (error === undefined) resolve(done)
		else reject(error)
	}
}

const done: IteratorReturnResult<undefined> = { value: undefined, done: true }
