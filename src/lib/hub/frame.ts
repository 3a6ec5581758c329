import { encodeText } from '../wire/bytes.js'
import { encodeEvent } from '../wire/encode.js'
import type { LogEntry } from './broker.js'

/** An event of the log on its way to the clients: its text is written once, however many receive it. */
export class Frame {
	readonly entry: LogEntry
	readonly #isPlace: boolean
	#text: string | undefined

	/** @param isPlace whether a client may resume from it */
	constructor(entry: LogEntry, isPlace = true) {
		this.entry = entry
		this.#isPlace = isPlace
	}

	get text(): string {
		const { name, data, cursor } = this.entry
		return (this.#text ??= encodeEvent(name, data, this.#isPlace ? cursor : undefined))
	}

	/** The same event without an id, for one that is shown again and is no place to resume from. */
	get bare(): Frame {
		return new Frame(this.entry, false)
	}
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
