import { gapFrame } from '../wire/control.js'
import { encodeId } from '../wire/encode.js'
import type { EventStream } from '../produce/stream.js'
import type { Receiver } from './delivery.js'
import type { Batch } from './frame.js'

/** A client's stream, as the hub sees it. */
export class StreamReceiver implements Receiver {
	readonly topics: ReadonlySet<string>
	readonly tag: string | undefined
	readonly #stream: EventStream

	constructor(stream: EventStream, topics: ReadonlySet<string>, tag: string | undefined) {
		this.#stream = stream
		this.topics = topics
		this.tag = tag
	}

	get isOver(): boolean {
		return this.#stream.reason !== undefined
	}

	take(batch: Batch): void {
		this.#stream.writeBytes(batch.bytes)
	}

	/** One frame for this client alone, such as an event that is shown again. */
	write(text: string): void {
		this.#stream.write(text)
	}

	gap(): void {
		this.#stream.write(gapFrame)
	}

	/** A client on a quiet topic moves on with the log; else its place would be trimmed although it missed nothing. */
	reached(cursor: string): void {
		this.#stream.write(encodeId(cursor))
	}

	async room(): Promise<void> {
		if (this.#stream.isFull) await this.#stream.drained()
	}

	end(...[reason, retry]: Parameters<EventStream['end']>): void {
		this.#stream.end(reason, retry)
	}
}
