import { clock } from '../clock.js'
import type { Cursor } from './broker.js'
import type { Frame } from './frame.js'

export interface RecentBounds {
	events: number
	age: number
	/** Counted as two a character. */
	bytes: number
}

/**
 * The latest frames that this process has seen, in the order of the log, and where the log stood before the first of them.
 *
 * A client whose cursor lies in here is served without asking the broker.
 */
export class Recent {
	readonly #bounds: RecentBounds
	#frames: (Frame | undefined)[] = []
	#start = 0
	#bytes = 0
	/** Index in `#frames` of each cursor, counted from the very first frame so that cutting the array changes nothing. */
	readonly #places = new Map<Cursor, number>()
	/** How many frames have been cut off for good. */
	#cut = 0
	/** The cursor right before the oldest frame; undefined: nothing is known yet. */
	#before: Cursor | undefined
	readonly #latest = new Map<string, Frame>()

	constructor(bounds: RecentBounds) {
		this.#bounds = bounds
	}

	/** The end of the log, as far as this process has come. */
	get head(): Cursor | undefined {
		return this.#frames.length > this.#start ? this.#frames.at(-1)!.entry.cursor : this.#before
	}

	/** Nothing before this cursor is known any more. */
	restart(cursor: Cursor): void {
		this.#frames = []
		this.#places.clear()
		this.#latest.clear()
		this.#start = this.#cut = this.#bytes = 0
		this.#before = cursor
	}

	push(frame: Frame): void {
		const { cursor, topic } = frame.entry
		this.#places.set(cursor, this.#cut + this.#frames.length)
		this.#frames.push(frame)
		this.#bytes += weigh(frame)
		if (!frame.entry.control) this.#latest.set(topic, frame)
		this.#trim()
	}

	/**
	 * The frames right behind a cursor, at most so many.
	 *
	 * @returns undefined when the cursor is not in here
	 */
	after(cursor: Cursor, limit: number): Frame[] | undefined {
		this.#trim()
		const place = cursor === this.#before ? this.#cut + this.#start - 1 : this.#places.get(cursor)
		if (place === undefined) return undefined
		const first = place - this.#cut + 1
		return this.#frames.slice(first, first + limit) as Frame[]
	}

	/** The latest frame of a topic. */
	latest(topic: string): Frame | undefined {
		return this.#latest.get(topic)
	}

	/** The latest frames that pass, at most so many, the oldest first. */
	last(most: number, passes: (frame: Frame) => boolean): Frame[] {
		const found: Frame[] = []
		for (let i = this.#frames.length - 1; i >= this.#start && found.length < most; i--) {
			const frame = this.#frames[i]!
			if (!frame.entry.control && passes(frame)) found.push(frame)
		}
		return found.reverse()
	}

	#trim(): void {
		const { events, age, bytes } = this.#bounds
		const oldest = +clock.date() - age
		for (;;) {
			const frame = this.#frames[this.#start]
			if (!frame) break
			const count = this.#frames.length - this.#start
			if (count <= events && this.#bytes <= bytes && frame.entry.at >= oldest) break
			this.#forget(frame)
		}
		if (this.#start > 64 && this.#start * 2 > this.#frames.length) {
			this.#frames = this.#frames.slice(this.#start)
			this.#cut += this.#start
			this.#start = 0
		}
	}

	#forget(frame: Frame): void {
		const { cursor, topic } = frame.entry
		this.#frames[this.#start++] = undefined
		this.#bytes -= weigh(frame)
		this.#places.delete(cursor)
		if (this.#latest.get(topic) === frame) this.#latest.delete(topic)
		this.#before = cursor
	}
}

function weigh({ entry }: Frame): number {
	return 2 * (entry.data.length + entry.name.length + entry.topic.length + entry.cursor.length)
}
