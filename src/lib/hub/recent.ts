import { clock } from '../clock.js'
import { Deque } from '../parts/deque.js'
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
	readonly #frames = new Deque<Frame>()
	#bytes = 0
	/** The place of each cursor, counted from the very first frame. */
	readonly #places = new Map<Cursor, number>()
	/** How many frames are no longer kept. */
	#dropped = 0
	/** The cursor right before the oldest frame; undefined: nothing is known yet. */
	#before: Cursor | undefined
	readonly #latest = new Map<string, Frame>()
	/** The ends of topics that nothing was published to since. */
	readonly #ended = new Map<string, Frame>()

	constructor(bounds: RecentBounds) {
		this.#bounds = bounds
	}

	/** The end of the log, as far as this process has come. */
	get head(): Cursor | undefined {
		return this.#frames.at(-1)?.entry.cursor ?? this.#before
	}

	/** Nothing before this cursor is known any more. */
	restart(cursor: Cursor): void {
		this.#frames.clear()
		this.#places.clear()
		this.#latest.clear()
		this.#ended.clear()
		this.#dropped = this.#bytes = 0
		this.#before = cursor
	}

	push(frame: Frame): void {
		const { cursor, topic } = frame.entry
		this.#places.set(cursor, this.#dropped + this.#frames.length)
		this.#frames.push(frame)
		this.#bytes += weigh(frame)
		if (frame.kind === 'event') {
			this.#latest.set(topic, frame)
			this.#ended.delete(topic)
		} else if (frame.isDone) this.#ended.set(topic, frame)
		this.#trim()
	}

	/**
	 * The frames right behind a cursor, at most so many.
	 *
	 * @returns undefined when the cursor is not in here
	 */
	after(cursor: Cursor, limit: number): Frame[] | undefined {
		this.#trim()
		const place = cursor === this.#before ? this.#dropped - 1 : this.#places.get(cursor)
		return place === undefined ? undefined : this.#frames.slice(place - this.#dropped + 1, limit)
	}

	/** The latest event of a topic. */
	latest(topic: string): Frame | undefined {
		return this.#latest.get(topic)
	}

	/** The `done` with which a topic has ended, if that is the last that is known of it. */
	end(topic: string): Frame | undefined {
		this.#trim()
		return this.#ended.get(topic)
	}

	/** The latest events that pass, at most so many, the oldest first. */
	last(limit: number, passes: (frame: Frame) => boolean): Frame[] {
		const found: Frame[] = []
		for (let i = this.#frames.length - 1; i >= 0 && found.length < limit; i--) {
			const frame = this.#frames.at(i)!
			if (frame.kind === 'event' && passes(frame)) found.push(frame)
		}
		return found.reverse()
	}

	#trim(): void {
		const { events, age, bytes } = this.#bounds
		const oldest = +clock.date() - age
		for (;;) {
			const frame = this.#frames.at(0)
			if (!frame) break
			if (this.#frames.length <= events && this.#bytes <= bytes && frame.entry.at >= oldest) break
			this.#forget(frame)
		}
	}

	#forget(frame: Frame): void {
		const { cursor, topic } = frame.entry
		this.#frames.shift()
		this.#dropped++
		this.#bytes -= weigh(frame)
		this.#places.delete(cursor)
		for (const map of [this.#latest, this.#ended]) if (map.get(topic) === frame) map.delete(topic)
		this.#before = cursor
	}
}

function weigh({ entry }: Frame): number {
	return 2 * (entry.data.length + entry.name.length + entry.topic.length + entry.cursor.length)
}
