import { clock } from '../clock.js'
import { assertSignal, BrokerBase, GuardedListener } from './broker-base.js'
import type {
	AppendOptions,
	Broker,
	BrokerOptions,
	Cursor,
	Entry,
	Gap,
	Page,
	ReadOptions,
	Tail,
	TailListener,
	TailStart
} from './broker.js'
import { createEpoch, findGap, formatCursor, parseCursor, type LogState } from './cursor.js'
import { MemoryLog, type MemoryHistory } from './memory-log.js'

/** Options of `memory()`. */
export interface MemoryOptions extends BrokerOptions {
	/** How much of the past is kept; whichever bound is reached first holds. */
	history?: MemoryHistory | undefined
}

/**
 * A log in the memory of this process: no server, no other machine, gone with the process. The hub's default.
 *
 * Several hubs may share one. If the process restarts, clients that resume are told of a gap.
 *
 * @example
 * ```ts
 * import { Hub, memory } from 'sveltekit-sse/hub'
 *
 * export const hub = new Hub({ broker: memory({ history: { events: 500, age: 60_000 } }) })
 * ```
 */
export function memory(options: MemoryOptions = {}): Broker {
	return new MemoryBroker(options)
}

class MemoryBroker extends BrokerBase implements Broker {
	readonly #epoch = createEpoch()
	readonly #log: MemoryLog
	readonly #tails = new Set<MemoryTail>()
	#signals: string[] = []
	#scheduled = false

	constructor(options: MemoryOptions) {
		super('memory', options, 'up')
		this.#log = new MemoryLog(options.history)
	}

	async append(entries: readonly Entry[], options: AppendOptions = {}): Promise<Cursor[]> {
		this.assertOpen()
		this.refuseClient(options)
		const at = clock.date().getTime()
		const cursors = entries.map((entry) => {
			const cursor = this.cursorOf(this.#log.last + 1)
			this.#log.push({ ...entry, cursor, at })
			return cursor
		})
		this.#schedule()
		return cursors
	}

	tail(start: TailStart, listener: TailListener): Tail {
		const tail = new MemoryTail(this, listener)
		if (this.closed) return tail
		this.#trim()
		this.#place(tail, start)
		this.#tails.add(tail)
		this.#schedule()
		return tail
	}

	async read(after: Cursor, { limit }: ReadOptions): Promise<Page> {
		this.assertOpen()
		this.#trim()
		const position = parseCursor(after)
		const gap = findGap(position, this.#state(), position?.mark === 0)
		if (gap || !position) return { entries: [], gap: gap ?? 'unknown', more: false }
		const entries = this.#log.after(position.sequence, limit)
		return { entries, more: position.sequence + entries.length < this.#log.last }
	}

	async head(): Promise<Cursor> {
		this.assertOpen()
		return this.cursorOf(this.#log.last)
	}

	async signal(text: string): Promise<void> {
		this.assertOpen()
		assertSignal(text)
		this.#signals.push(text)
		this.#schedule()
	}

	async close(): Promise<void> {
		this.setHealth('closed')
		for (const tail of this.#tails) void tail.close()
		this.#signals = []
		this.#log.clear()
	}

	cursorOf(sequence: number): Cursor {
		return formatCursor({ epoch: this.#epoch, sequence, mark: 0 })
	}

	forget(tail: MemoryTail): void {
		this.#tails.delete(tail)
	}

	#state(): LogState {
		return {
			epoch: this.#epoch,
			last: { sequence: this.#log.last, mark: 0 },
			first: this.#log.size ? this.#log.first : undefined
		}
	}

	#place(tail: MemoryTail, start: TailStart): void {
		tail.sequence = this.#log.last
		if (start === 'now') return
		if ('last' in start) {
			tail.sequence -= Math.min(Math.max(0, start.last), this.#log.size)
			return
		}
		const position = parseCursor(start.after)
		const reason = findGap(position, this.#state(), position?.mark === 0)
		if (!reason && position) {
			tail.sequence = position.sequence
			return
		}
		if (reason === 'trimmed' || reason === 'epoch') tail.sequence = this.#log.first - 1
		tail.gap = { reason: reason ?? 'unknown', cursor: this.cursorOf(tail.sequence) }
	}

	/** Up to where all have been handed the log: a burst longer than the history must not be lost to those who listen. */
	#trim(): void {
		let until = this.#log.last
		for (const { sequence } of this.#tails) until = Math.min(until, sequence)
		this.#log.trim(until)
	}

	/** A microtask later: a listener that publishes must not be called inside of itself. */
	#schedule(): void {
		if (this.#scheduled) return
		this.#scheduled = true
		queueMicrotask(() => {
			this.#scheduled = false
			const signals = this.#signals
			this.#signals = []
			for (const tail of this.#tails) {
				tail.deliver(this.#log)
				for (const text of signals) tail.listener.signal(text)
			}
			this.#trim()
		})
	}
}

class MemoryTail implements Tail {
	sequence = 0
	gap: Gap | undefined
	readonly listener: GuardedListener
	#live = false

	constructor(
		private readonly broker: MemoryBroker,
		listener: TailListener
	) {
		this.listener = new GuardedListener(broker, listener)
	}

	get cursor(): Cursor | undefined {
		return this.#live ? this.broker.cursorOf(this.sequence) : undefined
	}

	deliver(log: MemoryLog): void {
		const { gap } = this
		this.gap = undefined
		if (gap) this.listener.gap(gap)
		const entries = log.after(this.sequence, Infinity)
		this.listener.entries(entries)
		this.sequence += entries.length
		if (this.#live) return
		this.#live = true
		this.listener.live(this.broker.cursorOf(this.sequence))
	}

	async close(): Promise<void> {
		this.listener.closed = true
		this.broker.forget(this)
	}
}
