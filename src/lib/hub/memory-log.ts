import { clock } from '../clock.js'
import { checkBounds, defaultHistory } from './bounds.js'
import type { LogEntry } from './broker.js'
import type { MemoryHistory } from './memory.js'

/** Overhead of an entry and its strings in V8, about. */
const perEntry = 100

/**
 * The entries of a log, bounded by number, bytes and age; the oldest go first.
 *
 * Sequences are dense, so that the entry of a given number is found by subtraction.
 */
export class MemoryLog {
	/** Sequence of the last entry ever pushed; 0 before the first. */
	last = 0
	#entries: (LogEntry | undefined)[] = []
	/** Index of the oldest entry that is kept; those before it are cut off now and then, not one by one. */
	#start = 0
	#bytes = 0
	readonly #events: number
	readonly #maxBytes: number
	readonly #age: number

	constructor(history: MemoryHistory = {}) {
		const {
			events = defaultHistory.events,
			bytes = 16 * 1024 * 1024,
			age = defaultHistory.age
		} = history
		checkBounds({ events, bytes, age })
		this.#events = events
		this.#maxBytes = bytes
		this.#age = age
	}

	get size(): number {
		return this.#entries.length - this.#start
	}

	/** Sequence of the oldest entry that is kept; of an empty log, that of the next one. */
	get first(): number {
		return this.last - this.size + 1
	}

	push(entry: LogEntry): void {
		this.#entries.push(entry)
		this.#bytes += weigh(entry)
		this.last++
	}

	/** Up to `limit` entries behind a sequence that is not older than `first - 1`. */
	after(sequence: number, limit: number): LogEntry[] {
		const from = this.#start + sequence - this.first + 1
		return this.#entries.slice(from, from + limit) as LogEntry[]
	}

	clear(): void {
		this.#entries = []
		this.#start = 0
		this.#bytes = 0
	}

	/** Drops what is over a bound, but nothing behind a sequence. */
	trim(until: number): void {
		const oldest = clock.date().getTime() - this.#age
		for (;;) {
			const entry = this.#entries[this.#start]
			if (!entry || this.first > until) break
			const fits = this.size <= this.#events && this.#bytes <= this.#maxBytes
			if (fits && entry.at >= oldest) break
			this.#bytes -= weigh(entry)
			this.#entries[this.#start++] = undefined
		}
		if (this.#start > 64 && this.#start > this.#entries.length / 2) {
			this.#entries = this.#entries.slice(this.#start)
			this.#start = 0
		}
	}
}

function weigh({ topic, name, data }: LogEntry): number {
	return perEntry + 2 * (topic.length + name.length + data.length)
}
