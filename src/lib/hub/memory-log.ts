import { clock } from '../clock.js'
import { Deque } from '../parts/deque.js'
import { checkBounds, defaultHistory } from './bounds.js'
import type { BrokerHistory, LogEntry } from './broker.js'

/** How much of the past `memory()` keeps: as other brokers do, and by size. */
export interface MemoryHistory extends BrokerHistory {
	/**
	 * Size of topics, names and data in bytes, counted as two a character plus 100 an entry.
	 *
	 * @default 16 MiB
	 */
	bytes?: number | undefined
}

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
	readonly #entries = new Deque<LogEntry>()
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
		return this.#entries.length
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
		return this.#entries.slice(sequence - this.first + 1, limit)
	}

	clear(): void {
		this.#entries.clear()
		this.#bytes = 0
	}

	/** Drops what is over a bound, but nothing behind a sequence. */
	trim(until: number): void {
		const oldest = clock.date().getTime() - this.#age
		for (;;) {
			const entry = this.#entries.at(0)
			if (!entry || this.first > until) break
			const fits = this.size <= this.#events && this.#bytes <= this.#maxBytes
			if (fits && entry.at >= oldest) break
			this.#bytes -= weigh(entry)
			this.#entries.shift()
		}
	}
}

function weigh({ topic, name, data }: LogEntry): number {
	return perEntry + 2 * (topic.length + name.length + data.length)
}
