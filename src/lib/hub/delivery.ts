import type { Cursor } from './broker.js'
import { Batch, type Frame } from './frame.js'

/** Who is sent the events of some topics: a stream, or a loop in server code. */
export interface Receiver {
	readonly topics: ReadonlySet<string>
	/** Events with this tag are left out. */
	readonly tag: string | undefined
	/** Nothing is taken any more. */
	readonly isOver: boolean
	/** Characters of text that it takes in one go when it has room. */
	readonly portion: number
	take(batch: Batch): void
	/** Events were missed; the log goes on behind the cursor. */
	gap(cursor: Cursor): void
	/**
	 * Its part begins: the log stood here when it was made, or a little later. What was said before is not meant for it.
	 *
	 * @param isTold whether the broker has said so, or this is what the process knew when the broker was away
	 */
	begin(since: Cursor, isTold: boolean): void
	/** Everything that stands in the log before this end of one of its topics has been handed over. */
	meet(end: Frame): void
	/** All of its topics were over when it came. */
	over(): void
	/** Everything up to here has been handed over, the topics' events or not. */
	reached(cursor: Cursor): void
	/** Resolves when there is room for more, or it is over. */
	room(): Promise<void>
}

/** Receivers of exactly the same topics; they share every batch. */
interface Group {
	readonly key: string
	readonly topics: ReadonlySet<string>
	readonly receivers: Set<Receiver>
	/** Indexes of the frames under way. */
	pending: number[]
}

/** Hands the frames of a tick to all who want them: gathered once, written once, shared by all. */
export class Delivery {
	readonly #groups = new Map<string, Group>()
	readonly #byTopic = new Map<string, Set<Group>>()

	/** @returns what takes it out again */
	add(receiver: Receiver): () => void {
		const group = this.#group(receiver.topics)
		group.receivers.add(receiver)
		return () => {
			if (group.receivers.delete(receiver) && group.receivers.size === 0) this.#remove(group)
		}
	}

	*receivers(topic?: string): Iterable<Receiver> {
		const groups = topic === undefined ? this.#groups.values() : (this.#byTopic.get(topic) ?? [])
		for (const group of groups) yield* group.receivers
	}

	/** What the log holds, in its order: an end comes behind all that stands before it. */
	deliver(frames: readonly Frame[]): void {
		let events: Frame[] = []
		for (const frame of frames) {
			if (frame.kind === 'event') {
				events.push(frame)
				continue
			}
			this.#deliverEvents(events)
			events = []
			for (const receiver of [...this.receivers(frame.entry.topic)]) pass(frame, receiver)
		}
		this.#deliverEvents(events)
	}

	#deliverEvents(frames: readonly Frame[]): void {
		const touched: Group[] = []
		for (const [index, { entry }] of frames.entries())
			for (const group of this.#byTopic.get(entry.topic) ?? []) {
				if (group.pending.length === 0) touched.push(group)
				group.pending.push(index)
			}
		// Groups with other topics may want the very same frames.
		const batches = new Map<string, Batch>()
		for (const group of touched) {
			const key = group.pending.join()
			let batch = batches.get(key)
			if (!batch)
				batches.set(key, (batch = new Batch(group.pending.map((index) => frames[index]!))))
			group.pending = []
			send(batch, group.receivers)
		}
	}

	#group(topics: ReadonlySet<string>): Group {
		const key = JSON.stringify([...topics].sort())
		let group = this.#groups.get(key)
		if (group) return group
		group = { key, topics, receivers: new Set(), pending: [] }
		this.#groups.set(key, group)
		for (const topic of topics) {
			const groups = this.#byTopic.get(topic)
			if (groups) groups.add(group)
			else this.#byTopic.set(topic, new Set([group]))
		}
		return group
	}

	#remove(group: Group): void {
		this.#groups.delete(group.key)
		for (const topic of group.topics) {
			const groups = this.#byTopic.get(topic)!
			groups.delete(group)
			if (groups.size === 0) this.#byTopic.delete(topic)
		}
	}
}

/** Hands on what is no event: an end, or the hole that a bad entry is. */
export function pass(frame: Frame, receiver: Receiver): void {
	if (frame.kind === 'end') receiver.meet(frame)
	else if (frame.kind === 'bad') receiver.gap(frame.entry.cursor)
}

function send(batch: Batch, receivers: Iterable<Receiver>): void {
	const isForAll = batch.frames.every(({ entry }) => entry.except === undefined)
	for (const receiver of receivers) {
		const own = isForAll ? batch : batch.without(receiver.tag)
		if (own.frames.length > 0) receiver.take(own)
	}
}
