import { SseError } from '../errors.js'
import { gapFrame } from '../wire/control.js'
import type { Overflow } from './types.js'

/** Bytes that may sit in the response's own queue; what is more waits here, where it can still be dropped. */
const window = 64 * 1024
/** Characters gathered within one tick before they are encoded; joining more costs more than it saves. */
const gathered = 16 * 1024
/** A frame of this many characters is encoded by itself, and so counted exactly. */
const large = 4 * 1024

const encoder = new TextEncoder()

export interface OutboxOptions {
	maxBuffer: number
	overflow: Overflow
	/** Called when the buffer is full and the policy is to end the stream. */
	full(): void
}

/**
 * What waits for one client: the frames of this tick as text, and, when the client reads too slowly, chunks of bytes.
 *
 * All frames of one tick leave as one chunk. Everything is counted in bytes, but for the text of the current tick, of
 * which there is never more than `gathered` and which counts by characters.
 */
export class Outbox {
	readonly #options: OutboxOptions
	readonly #window: number
	#controller!: ReadableStreamDefaultController<Uint8Array>
	#text = ''
	#scheduled = false
	/** Chunks the response's queue had no room for; `#first` is the oldest that is left. */
	#waiting: (Uint8Array | undefined)[] = []
	#first = 0
	#waitingBytes = 0
	#gap = false
	#closing = false
	/** Resolves the promise that `pull` left open: asks the stream to call when there is room. */
	#resume: (() => void) | undefined
	#drained: (() => void)[] | undefined

	constructor(options: OutboxOptions) {
		this.#options = options
		this.#window = Math.min(window, Math.ceil(options.maxBuffer / 4))
	}

	get strategy(): QueuingStrategy<Uint8Array> {
		// The default strategy counts chunks; a bound in bytes would never be reached.
		return { highWaterMark: this.#window, size: byteLength }
	}

	attach(controller: ReadableStreamDefaultController<Uint8Array>): void {
		this.#controller = controller
	}

	/** Bytes waiting for the client. */
	get buffered(): number {
		return this.#queued() + this.#waitingBytes + this.#text.length
	}

	get isFull(): boolean {
		return this.buffered >= this.#window
	}

	/** Takes one event's frame, or says why it cannot. */
	add(frame: string): SseError | undefined {
		if (frame.length >= large) return this.addBytes(encoder.encode(frame))
		const refused = this.#makeRoom(frame.length)
		if (refused) return refused
		this.#text += frame
		if (this.#text.length >= gathered) this.flush()
		else this.#schedule()
		return undefined
	}

	/** Takes bytes that others share; they are not copied, so nobody may write to them. */
	addBytes(bytes: Uint8Array): SseError | undefined {
		const refused = this.#makeRoom(bytes.byteLength)
		if (refused) return refused
		this.flush()
		this.#put(bytes)
		return undefined
	}

	/** Hands over what this tick has gathered. */
	flush(): void {
		if (this.#text === '') return
		const text = this.#text
		this.#text = ''
		this.#put(encoder.encode(text))
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
		this.#text = ''
		this.#waiting = []
		this.#first = this.#waitingBytes = 0
		if (error) this.#controller.error(error)
		this.#settle()
	}

	/** Resolves when there is room again, or the stream has ended. */
	drained(): Promise<void> {
		this.flush()
		if (!this.isFull || this.#closing) return Promise.resolve()
		return new Promise((resolve) => {
			;(this.#drained ??= []).push(resolve)
			this.#resume?.()
		})
	}

	/** Called by the stream when there is room. */
	pull(): Promise<void> | undefined {
		this.#resume = undefined
		this.#moveOn()
		if (this.#closing && this.#waiting.length === 0) return undefined
		if (!this.isFull) this.#settle()
		// While the promise is open the stream does not call again, which saves two calls per chunk. Only an outbox
		// that waits for room resolves it.
		if (this.#waiting.length > 0 || this.#drained) return undefined
		return new Promise((resolve) => (this.#resume = resolve))
	}

	#schedule(): void {
		if (this.#scheduled) return
		this.#scheduled = true
		queueMicrotask(() => {
			this.#scheduled = false
			this.flush()
		})
	}

	#queued(): number {
		const room = this.#controller.desiredSize
		return room === null ? 0 : Math.max(0, this.#window - room)
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
			this.flush()
			while (this.#waiting.length > 0 && this.buffered + length > maxBuffer) this.#dropOldest()
			if (this.buffered + length <= maxBuffer) return undefined
		} else if (overflow === 'close') this.#options.full()
		return new SseError(
			'overflow',
			`The client reads too slowly: ${this.buffered} of ${maxBuffer} bytes are waiting. ` +
				'Wait for drained() before emitting more, or raise maxBuffer.'
		)
	}

	#dropOldest(): void {
		this.#take()
		this.#gap = true
	}

	#put(chunk: Uint8Array): void {
		if (this.#waiting.length === 0 && this.#controller.desiredSize! > 0) return this.#pass(chunk)
		this.#waiting.push(chunk)
		this.#waitingBytes += chunk.byteLength
		this.#resume?.()
	}

	/** Into the response's own queue, from which nothing can be taken back. */
	#pass(chunk: Uint8Array): void {
		if (this.#gap) this.#controller.enqueue(encoder.encode(gapFrame))
		this.#gap = false
		this.#controller.enqueue(chunk)
	}

	#moveOn(): void {
		while (this.#waiting.length > 0 && this.#controller.desiredSize! > 0) {
			this.#pass(this.#take())
		}
		if (this.#closing && this.#waiting.length === 0) this.#controller.close()
	}

	#take(): Uint8Array {
		const chunk = this.#waiting[this.#first]!
		this.#waiting[this.#first++] = undefined
		this.#waitingBytes -= chunk.byteLength
		// Shifting one by one would be quadratic in a long queue.
		if (this.#first === this.#waiting.length) {
			this.#waiting = []
			this.#first = 0
		} else if (this.#first > 1024 && this.#first * 2 > this.#waiting.length) {
			this.#waiting = this.#waiting.slice(this.#first)
			this.#first = 0
		}
		return chunk
	}

	#settle(): void {
		const drained = this.#drained
		this.#drained = undefined
		if (drained) for (const resolve of drained) resolve()
	}
}

function byteLength(chunk: Uint8Array): number {
	return chunk.byteLength
}
