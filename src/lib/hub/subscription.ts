import { SseError, toError } from '../errors.js'
import type { Cursor, LogEntry } from './broker.js'
import type { Receiver } from './delivery.js'
import type { Batch } from './frame.js'

/** Events that may wait for a loop. */
const maxWaiting = 10_000

let open = 0

/** How many loops of this process have not ended. */
export function openLoops(): number {
	return open
}

/** A loop in server code: every event of some topics, in order, until it is left. */
export class Subscription implements Receiver, AsyncIterator<LogEntry> {
	readonly topics: ReadonlySet<string>
	readonly tag = undefined
	// It counts events.
	readonly portion = Infinity
	readonly #onGap: (() => void) | undefined
	#waiting: LogEntry[] = []
	#isOver = false
	#error: Error | undefined
	#wake: (() => void)[] = []
	#empty: (() => void)[] = []
	readonly #left: () => void

	/** @param left called once, when the loop is over */
	constructor(topics: ReadonlySet<string>, onGap: (() => void) | undefined, left: () => void) {
		this.topics = topics
		this.#onGap = onGap
		this.#left = left
		open++
	}

	get isOver(): boolean {
		return this.#isOver
	}

	take(batch: Batch): void {
		if (this.#isOver) return
		if (this.#waiting.length + batch.frames.length > maxWaiting) {
			const message = `The loop is too slow: over ${maxWaiting} events are waiting. Do less per event.`
			return this.end(new SseError('overflow', message))
		}
		for (const { entry } of batch.frames) this.#waiting.push(entry)
		call(this.#wake)
	}

	gap(cursor: Cursor): void {
		if (!this.#onGap) {
			const message = 'Events were missed: the past behind the cursor is gone. Load the data anew.'
			return this.end(new SseError('gap', message, { cursor }))
		}
		try {
			this.#onGap()
		} catch (thrown) {
			this.end(toError(thrown))
		}
	}

	begin(): void {}
	reached(): void {}

	/** Ends of topics are for clients. */
	meet(): void {}
	over(): void {}

	room(): Promise<void> {
		if (this.#waiting.length < maxWaiting / 2 || this.#isOver) return Promise.resolve()
		return new Promise((resolve) => this.#empty.push(resolve))
	}

	/** Ends the loop after what waits has been taken; with an error it throws that then. */
	end(error?: Error): void {
		if (this.#isOver) return
		this.#isOver = true
		open--
		this.#error = error
		this.#left()
		call(this.#wake)
		call(this.#empty)
	}

	async next(): Promise<IteratorResult<LogEntry>> {
		while (this.#waiting.length === 0 && !this.#isOver)
			await new Promise<void>((resolve) => this.#wake.push(resolve))
		const value = this.#waiting.shift()
		if (this.#waiting.length === 0) call(this.#empty)
		if (value) return { value, done: false }
		const error = this.#error
		this.#error = undefined
		if (error) throw error
		return { value: undefined, done: true }
	}

	async return(): Promise<IteratorResult<LogEntry>> {
		this.#waiting = []
		this.end()
		return { value: undefined, done: true }
	}
}

function call(waiting: (() => void)[]): void {
	for (const resolve of waiting.splice(0)) resolve()
}
