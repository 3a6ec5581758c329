import { encodeText } from '../wire/bytes.js'
import { encodeEvent } from '../wire/encode.js'
import type { LogEntry } from './broker.js'

/** An event of the log on its way to the clients: its text is written once, however many receive it. */
export class Frame {
	readonly entry: LogEntry
	#text: string | undefined

	constructor(entry: LogEntry) {
		this.entry = entry
	}

	get text(): string {
		return (this.#text ??= encodeEvent(this.entry.name, this.entry.data, this.entry.cursor))
	}

	/** The same event without an id, for one that is shown again and is no place to resume from. */
	get bare(): string {
		return encodeEvent(this.entry.name, this.entry.data)
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
