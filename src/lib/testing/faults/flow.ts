import type { Socket } from 'node:net'
import { plain, type Settings } from './settings.js'

/** How a side ended: with a FIN or with a RST. */
export type Ending = 'end' | 'reset'

interface Item {
	bytes: Buffer
	due: number
}

export interface FlowEvents {
	/** Bytes went to the client. */
	sent(bytes: number): void
	/** The queue is full, or no longer: reading from the server should rest, or go on. */
	full(full: boolean): void
	/** Everything went out, and the server had ended like this. */
	ended(how: Ending): void
	/** The number of bytes after which to end has gone out. */
	spent(how: 'cut' | 'reset'): void
}

const sixteenMegabytes = 16 * 1024 * 1024
const throttledLimit = 64 * 1024

/** The way from server to client: a queue, and the rules by which it empties. */
export class Flow {
	#client: Socket
	#events: FlowEvents
	#settings: Settings = { ...plain }
	#queue: Item[] = []
	#queued = 0
	#ending: { how: Ending; due: number } | undefined
	#released = 0
	#remaining = Infinity
	#pieces = 0
	#free = 0
	#cancelWait: (() => void) | undefined
	#draining = false
	#done = false

	constructor(client: Socket, events: FlowEvents) {
		this.#client = client
		this.#events = events
	}

	configure(change: Partial<Settings>): void {
		Object.assign(this.#settings, change)
		if ('ending' in change) this.#remaining = change.ending?.after ?? Infinity
		if ('split' in change) this.#pieces = 0
		if ('throttle' in change) this.#free = 0
		if ('hold' in change) this.#released = 0
		this.#rest()
		this.#pump()
	}

	push(bytes: Buffer): void {
		if (this.#done) return
		this.#queue.push({ bytes, due: performance.now() + this.#settings.delay })
		this.#queued += bytes.length
		this.#pump()
	}

	/** The server ended; the client learns of it after all bytes before. */
	finish(how: Ending): void {
		this.#ending ??= { how, due: performance.now() + this.#settings.delay }
		this.#pump()
	}

	/** Forgets everything; nothing moves any more. */
	stop(): void {
		this.#done = true
		this.#queue = []
		this.#queued = 0
		this.#rest()
	}

	#pump(): void {
		while (!this.#done && !this.#draining && !this.#cancelWait && this.#step());
		if (!this.#done) this.#events.full(this.#queued > this.#limit())
	}

	/** Does one thing; `false` if nothing is to be done before something happens. */
	#step(): boolean {
		const { stalled, hold, ending } = this.#settings
		if (stalled) return false
		if (ending && this.#remaining <= 0) {
			this.#spend(ending.how)
			return false
		}
		const [item] = this.#queue
		if (!item) return this.#finishNow()
		if (this.#released <= 0) {
			if (this.#queued < hold && !this.#ending) return false
			this.#released = this.#queued
		}
		const early = Math.max(item.due, this.#free) - performance.now()
		if (early > 0) {
			this.#waitFor(early)
			return false
		}
		this.#write(item)
		return true
	}

	#write(item: Item): void {
		const size = Math.min(item.bytes.length, this.#nextPiece(), this.#remaining)
		const piece = item.bytes.subarray(0, size)
		item.bytes = item.bytes.subarray(size)
		if (item.bytes.length === 0) this.#queue.shift()
		this.#queued -= size
		this.#released -= size
		this.#remaining -= size
		const { throttle, split, gap } = this.#settings
		this.#free = Math.max(this.#free, performance.now()) + (size / throttle) * 1000
		this.#events.sent(size)
		if (!this.#client.write(piece)) this.#awaitDrain()
		else if (split) this.#waitFor(gap)
	}

	/** A throttled wire still flows evenly: about twenty pieces a second. */
	#nextPiece(): number {
		const { split, throttle } = this.#settings
		const even = Math.max(1, Math.floor(throttle / 20))
		if (!split) return even
		const size = typeof split === 'function' ? split() : split[this.#pieces++ % split.length]
		return Math.min(even, Math.max(1, size ?? Infinity))
	}

	#finishNow(): boolean {
		const ending = this.#ending
		if (!ending) return false
		const early = ending.due - performance.now()
		if (early > 0) {
			this.#waitFor(early)
		} else {
			this.stop()
			this.#events.ended(ending.how)
		}
		return false
	}

	#spend(how: 'cut' | 'reset'): void {
		this.stop()
		// A RST overtakes what the socket has not handed to the system yet.
		this.#client.write('', () => this.#events.spent(how))
	}

	#limit(): number {
		const { stalled, throttle } = this.#settings
		if (stalled) return 0
		return throttle < Infinity ? throttledLimit : sixteenMegabytes
	}

	#awaitDrain(): void {
		this.#draining = true
		this.#client.once('drain', () => {
			this.#draining = false
			this.#pump()
		})
	}

	#waitFor(ms: number): void {
		const go = () => {
			this.#cancelWait = undefined
			this.#pump()
		}
		if (ms > 0) {
			const timer = setTimeout(go, ms)
			this.#cancelWait = () => clearTimeout(timer)
		} else {
			// Two turns, as the first may come in the same round of the event loop: only then has a
			// client in this process had the chance to read the piece by itself.
			let immediate = setImmediate(() => (immediate = setImmediate(go)))
			this.#cancelWait = () => clearImmediate(immediate)
		}
	}

	#rest(): void {
		this.#cancelWait?.()
		this.#cancelWait = undefined
	}
}
