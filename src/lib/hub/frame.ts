import type { CloseReason } from '../errors.js'
import { isEventName } from '../parts/check.js'
import { encodeText } from '../wire/bytes.js'
import { isCloseReason } from '../wire/control.js'
import { encodeEvent } from '../wire/encode.js'
import type { LogEntry } from './broker.js'

/** An entry of the log on its way to the clients: its text is written once, however many receive it. */
export class Frame {
	readonly entry: LogEntry
	/**
	 * `event`: clients are sent it. `end`: the streams of its topic end here. `bad`: nobody can be sent it, such as a row
	 * that a trigger inserted without a name. `other`: what a later version of the hub tells itself.
	 */
	readonly kind: 'event' | 'end' | 'bad' | 'other'
	readonly #isPlace: boolean
	#text: string | undefined

	/** @param isPlace whether a client may resume from it */
	constructor(entry: LogEntry, isPlace = true) {
		this.entry = entry
		this.kind = kindOf(entry)
		this.#isPlace = isPlace
	}

	get text(): string {
		const { name, data, cursor } = this.entry
		return (this.#text ??= encodeEvent(name, data, this.#isPlace ? cursor : undefined))
	}

	/** Why it ends the streams of its topic. */
	get reason(): CloseReason {
		return this.entry.data as CloseReason
	}

	/** Whether the topic is over here, until something is published to it again. */
	get isDone(): boolean {
		return this.kind === 'end' && this.reason === 'done'
	}

	/** The same event without an id, for one that is shown again and is no place to resume from. */
	get bare(): Frame {
		return new Frame(this.entry, false)
	}
}

function kindOf({ name, data, control }: LogEntry): Frame['kind'] {
	if (control) return isCloseReason(data) ? 'end' : 'other'
	return isEventName(name) ? 'event' : 'bad'
}

/** Frames that leave together: what they are, and their bytes, which all receivers share. */
export class Batch {
	readonly frames: readonly Frame[]
	#bytes: Uint8Array | undefined

	constructor(frames: readonly Frame[]) {
		this.frames = frames
	}

	get bytes(): Uint8Array {
		return (this.#bytes ??= encodeText(this.frames.map((frame) => frame.text).join('')))
	}

	/** What is left for a receiver that is not sent what carries its own tag. */
	without(tag: string | undefined): Batch {
		if (tag === undefined || this.frames.every(({ entry }) => entry.except !== tag)) return this
		return new Batch(this.frames.filter(({ entry }) => entry.except !== tag))
	}
}
