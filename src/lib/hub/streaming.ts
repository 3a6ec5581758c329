import { clock } from '../clock.js'
import { gapFrame, heartbeatFrame } from '../wire/control.js'
import { encodeId } from '../wire/encode.js'
import type { Cursor } from './broker.js'
import { compareCursors } from './cursor.js'
import type { EventStream } from '../produce/stream.js'
import type { Receiver } from './delivery.js'
import type { Batch, Frame } from './frame.js'

/** A client's stream, as the hub sees it. */
export class StreamReceiver implements Receiver {
	readonly topics: ReadonlySet<string>
	readonly tag: string | undefined
	readonly #stream: EventStream
	/** Whether the client has what it was to be sent up to here, or misses some of it, and then whether it has been told. */
	#state: 'whole' | 'missing' | 'told' = 'whole'
	/** Whether it takes part; before, where the log is says nothing of where the client is. */
	#hasArrived = false
	/** Where the log stood when it was opened: ends from before were said to others. Undefined: not known yet. */
	#since: Cursor | undefined
	#isTold = false
	readonly #openedAt = clock.date().getTime()
	/** Ends of its topics that were published while it was on its way. */
	#expected: Frame[] = []

	constructor(stream: EventStream, topics: ReadonlySet<string>, tag: string | undefined) {
		this.#stream = stream
		this.topics = topics
		this.tag = tag
	}

	get isOver(): boolean {
		return this.#stream.reason !== undefined
	}

	get portion(): number {
		return this.#stream.window
	}

	take(batch: Batch): void {
		if (!this.#isReady()) return
		if (!this.#stream.writeBytes(batch.bytes)) this.#state = 'whole'
		else if (batch.frames.length === 1) this.gap()
		// Together they are more than there is room for, or than there ever is: as many as fit.
		else for (const { text } of batch.frames) this.write(text)
	}

	/** One frame for this client alone, such as who is present. */
	write(text: string): void {
		if (!this.#isReady()) return
		if (this.#stream.write(text)) this.gap()
		else this.#state = 'whole'
	}

	/** Nothing is left out in silence: neither what was lost, nor what is larger than the buffer or refused by a policy. */
	gap(): void {
		if (this.#state === 'whole') this.#state = 'missing'
		this.#isReady()
	}

	begin(since: Cursor, isTold: boolean): void {
		this.#since = since
		this.#isTold = isTold
		for (const end of this.#expected.splice(0)) this.expect(end)
	}

	/** A client on a quiet topic moves on with the log; else its place would be trimmed although it missed nothing. */
	reached(cursor: string): void {
		this.#hasArrived = true
		this.write(encodeId(cursor))
		// It has not met the end that it expects, since it skipped that place with a gap.
		const [end] = this.#expected
		if (end) this.end(end.reason)
	}

	/**
	 * An end of one of its topics was published. Who is still on the way comes to it later; only what must not be read any
	 * more is cut off at once.
	 */
	expect(end: Frame): void {
		if (this.#hasArrived) return
		if (this.#since === undefined) this.#expected.push(end)
		else if (!this.#isMeantBy(end)) return
		else if (end.reason === 'denied') this.end('denied')
		else if (this.#expected.length === 0) this.#expected.push(end)
	}

	meet(end: Frame): void {
		if (this.#isMeantBy(end)) this.end(end.reason)
	}

	over(): void {
		this.end('done')
	}

	#isMeantBy(end: Frame): boolean {
		if (this.#since === undefined) return false
		const { cursor, at } = end.entry
		// An end in a log that was begun anew is a new one.
		if ((compareCursors(cursor, this.#since) ?? 1) > 0) return true
		// It may have been stored while the broker was asked, or before it could be; a right that was withdrawn since must
		// not be missed.
		return (end.reason === 'denied' || !this.#isTold) && at > this.#openedAt
	}

	/** The frame of a heartbeat, with which the client moves on too. */
	heartbeat(head: string | undefined): string {
		return (this.#hasArrived && head ? encodeId(head) : '') + heartbeatFrame
	}

	async room(): Promise<void> {
		if (this.#stream.isFull) await this.#stream.drained()
	}

	end(...[reason, retry]: Parameters<EventStream['end']>): void {
		this.#stream.end(reason, retry)
	}

	/** Whether it takes more: first it takes that something is missing, if the client has not been told. */
	#isReady(): boolean {
		if (this.isOver) return false
		if (this.#state !== 'missing') return true
		if (this.#stream.write(gapFrame)) return false
		this.#state = 'told'
		return true
	}
}
