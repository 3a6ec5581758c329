import { environment } from '../environment.js'
import { SseError } from '../errors.js'
import { Deque } from '../parts/deque.js'
import { encodeForNow, encodeText } from '../wire/bytes.js'
import { gapFrame } from '../wire/control.js'
import type { Overflow } from './types.js'

/** Bytes that may sit in the response's own queue; what is more waits here, where it can still be dropped. */
const window = 64 * 1024
/** Characters gathered before they are encoded; more at once would not be cheaper, only later. */
const gathered = 24 * 1024

export interface OutboxOptions {
	maxBuffer: number
	overflow: Overflow
}

export interface OutboxOwner {
	/** Called when the buffer is full and the policy is to end the stream. */
	full(): void
}

/**
 * What waits for one client: the newest frames as text, and, when the client reads too slowly, chunks of bytes.
 *
 * All frames of one tick leave as one chunk. While the client is behind, later ticks join them: a chunk of its own for
 * each small event would cost many times its bytes. Text counts by characters as long as even three bytes for each of
 * them stay within the bound, and is encoded, so that it counts by bytes, when they might not.
 */
export class Outbox {
	readonly #options: OutboxOptions
	readonly #owner: OutboxOwner
	/** Bytes from which on it is full. Four times as many fit in, at least. */
	readonly window: number
	/**
	 * In half bytes: an odd number, which whole bytes cannot fill, so that a desired size of 0 means only that the stream
	 * has closed. Not 0.5 bytes more, since workerd takes whole numbers only.
	 */
	readonly #highWaterMark: number
	#controller!: ReadableStreamDefaultController<Uint8Array>
	#text = ''
	/** Bytes that are free at least, so that most frames need not ask the stream. */
	#room = 0
	#isDue = false
	/** Chunks the response's queue had no room for. */
	readonly #waiting = new Deque<Uint8Array>()
	#waitingBytes = 0
	/** Bytes that the response's own queue was given so far. */
	#passed = 0
	#gap = false
	#closing = false
	#drained: (() => void)[] | undefined

	constructor(options: OutboxOptions, owner: OutboxOwner) {
		this.#options = options
		this.#owner = owner
		this.window = Math.min(window, Math.ceil(options.maxBuffer / 4))
		this.#highWaterMark = 2 * this.window + 1
	}

	get strategy(): QueuingStrategy<Uint8Array> {
		// The default strategy counts chunks; a bound in bytes would never be reached.
		return { highWaterMark: this.#highWaterMark, size: halfBytes }
	}

	/** Takes the response's stream and sends its first frame, for which there is always room. */
	open(controller: ReadableStreamDefaultController<Uint8Array>, firstFrame: string): void {
		this.#controller = controller
		this.#put(encodeText(firstFrame))
	}

	/** Bytes waiting for the client. */
	get buffered(): number {
		return this.#queued + this.#waitingBytes + this.#text.length
	}

	get isFull(): boolean {
		return this.buffered >= this.window
	}

	/** Whether anyone has begun to read. */
	get isRead(): boolean {
		return this.#queued < this.#passed
	}

	/** Takes one event's frame, or says why it cannot. */
	add(frame: string): SseError | undefined {
		if (!this.#hasRoomFor(3 * frame.length)) return this.addBytes(encodeText(frame))
		this.#text += frame
		if (this.#text.length >= Math.min(gathered, this.window)) this.flush()
		else if (!this.#isDue) this.#schedule()
		return undefined
	}

	/** Takes bytes that others share; they are not copied, so nobody may write to them. */
	addBytes(bytes: Uint8Array): SseError | undefined {
		this.flush()
		const refused = this.#makeRoom(bytes.byteLength)
		if (refused) return refused
		this.#room = 0
		this.#put(bytes)
		return undefined
	}

	/** Hands over what has been gathered. */
	flush(): void {
		if (this.#text === '') return
		const text = this.#text
		this.#text = ''
		// A chunk that has to wait must not hold on to more memory than it counts.
		this.#put(this.#queued === 0 ? encodeForNow(text) : encodeText(text))
	}

	/** Sends what is left and a last frame, for which there is always room, then ends the response. */
	close(lastFrame: string): void {
		this.#text += lastFrame
		this.flush()
		this.#closing = true
		this.#settle()
		this.#moveOn()
	}

	/** Drops what is left: the client has gone, or cuts off one that does not take its last bytes. */
	discard(error?: SseError): void {
		const isClosed = this.#closing && this.#waiting.length === 0
		this.#closing = true
		this.#text = ''
		this.#waiting.clear()
		this.#waitingBytes = 0
		if (error) this.#controller.error(error)
		// When only the request's signal told, whoever pumps the body would wait for ever.
		else if (!isClosed && this.#controller.desiredSize) this.#controller.close()
		this.#settle()
	}

	/** Resolves when there is room again, or the stream has ended. */
	drained(): Promise<void> {
		this.flush()
		if (!this.isFull || this.#closing) return Promise.resolve()
		return new Promise((resolve) => (this.#drained ??= []).push(resolve))
	}

	/** Called by the stream after each chunk that leaves room. */
	pull(): void {
		this.#moveOn()
		if (!this.isFull) this.#settle()
	}

	/** Outboxes that have gathered something in this tick: one microtask for all of them. */
	static #due: Outbox[] = []
	static readonly #now = Promise.resolve()

	static #sendAllDue(): void {
		const due = Outbox.#due
		Outbox.#due = []
		for (const outbox of due) outbox.#sendDue()
	}

	#sendDue(): void {
		this.#isDue = false
		// While the client is behind, later ticks join this one.
		if (this.#hasRoom) this.flush()
	}

	#schedule(): void {
		this.#isDue = true
		if (environment.isolatesRequests) queueMicrotask(() => this.#sendDue())
		else if (Outbox.#due.push(this) === 1) void Outbox.#now.then(Outbox.#sendAllDue)
	}

	get #hasRoom(): boolean {
		return this.#waiting.length === 0 && this.#controller.desiredSize! > 0
	}

	/** Bytes in the response's own queue. */
	get #queued(): number {
		const room = this.#controller.desiredSize
		return room ? (this.#highWaterMark - room) / 2 : 0
	}

	/**
	 * Whether this many bytes fit; then they count as taken. Gathered text counts three bytes a character, the most there
	 * can be: what it is short of that, and what the client takes, is found when the room is counted anew.
	 */
	#hasRoomFor(bytes: number): boolean {
		if (bytes > this.#room)
			this.#room = this.#options.maxBuffer - this.buffered - 2 * this.#text.length
		if (bytes > this.#room) return false
		this.#room -= bytes
		return true
	}

	#makeRoom(length: number): SseError | undefined {
		const { maxBuffer, overflow } = this.#options
		if (this.buffered + length <= maxBuffer) return undefined
		if (length > maxBuffer)
			return new SseError(
				'overflow',
				`This event has ${length} bytes, more than maxBuffer (${maxBuffer}) ever holds. Send less, or raise maxBuffer.`
			)
		if (overflow === 'drop-oldest') {
			// What the response's queue holds cannot be dropped; if it leaves too little, nothing is.
			if (this.#queued + length <= maxBuffer) {
				while (this.buffered + length > maxBuffer) this.#take()
				this.#gap = true
				return undefined
			}
		} else if (overflow === 'close') this.#owner.full()
		return new SseError(
			'overflow',
			`The client reads too slowly: ${this.buffered} of ${maxBuffer} bytes are waiting. ` +
				'Wait for drained() before emitting more, or raise maxBuffer.'
		)
	}

	#put(chunk: Uint8Array): void {
		if (this.#hasRoom) return this.#pass(chunk)
		this.#waiting.push(chunk)
		this.#waitingBytes += chunk.byteLength
	}

	/** Into the response's own queue, from which nothing can be taken back. */
	#pass(chunk: Uint8Array): void {
		if (this.#gap) {
			this.#gap = false
			this.#room = 0
			this.#enqueue(encodeText(gapFrame))
		}
		this.#enqueue(chunk)
	}

	#enqueue(chunk: Uint8Array): void {
		this.#passed += chunk.byteLength
		this.#controller.enqueue(chunk)
	}

	#moveOn(): void {
		while (this.#waiting.length > 0 && this.#controller.desiredSize! > 0) {
			this.#pass(this.#take())
		}
		if (this.#hasRoom) this.flush()
		if (this.#closing && this.#waiting.length === 0) this.#controller.close()
	}

	#take(): Uint8Array {
		const chunk = this.#waiting.shift()!
		this.#waitingBytes -= chunk.byteLength
		return chunk
	}

	#settle(): void {
		const drained = this.#drained
		this.#drained = undefined
		if (drained) for (const resolve of drained) resolve()
	}
}

function halfBytes(chunk: Uint8Array): number {
	return 2 * chunk.byteLength
}
