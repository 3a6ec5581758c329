import { SseError } from '../errors.js'

/**
 * A response's body that ends with its client also when the response was copied.
 *
 * `response.clone()` splits the body in two. The platform's own split tells the source that nobody reads any more when
 * both halves were cancelled, so a copy that a hook has made and forgotten would keep the producer of a client that
 * left, and every byte sent meanwhile. Here a half that nobody reads counts for nothing: one that was never read, or one
 * that was let go of. What waits for it is bounded. Of halves that are read none gets further ahead than that bound: what a
 * client that reads too slowly cannot take yet stays where the stream's own rules hold, also when a copy is read faster.
 *
 * On Node `clone()` calls `tee()`. Other runtimes split inside; there the request's signal tells.
 */
export class Body extends ReadableStream<Uint8Array> {
	readonly #limit: number

	/** @param limit bytes that may wait for a half while another is read */
	constructor(
		source: UnderlyingDefaultSource<Uint8Array>,
		strategy: QueuingStrategy<Uint8Array>,
		limit: number
	) {
		super(source, strategy)
		this.#limit = limit
	}

	override tee(): [Body, Body] {
		const split = new Split(this.getReader(), this.#limit)
		return [split.half(), split.half()]
	}
}

/** What the halves of a body share: one reader. */
class Split {
	readonly #reader: ReadableStreamDefaultReader<Uint8Array>
	readonly #limit: number
	readonly #halves = new Set<Half>()
	#isReading = false

	constructor(reader: ReadableStreamDefaultReader<Uint8Array>, limit: number) {
		this.#reader = reader
		this.#limit = limit
		// Also while a half that does not ask for more keeps the others from reading.
		reader.closed.catch((error: unknown) => {
			for (const half of this.#halves) half.fail(error)
		})
	}

	half(): Body {
		const half = new Half(this, this.#limit)
		this.#halves.add(half)
		return half.body
	}

	/** Brings every half one chunk further, if one asks for it, and none that is read is too far behind. */
	readOn(): void {
		const halves = [...this.#halves]
		const isWanted = halves.some(({ isAsking }) => isAsking)
		if (this.#isReading || !isWanted || halves.some(({ isFull, isRead }) => isFull && isRead))
			return
		this.#isReading = true
		this.#reader.read().then(
			({ done, value }) => {
				for (const half of this.#halves) {
					if (done) half.end()
					else half.add(value)
				}
				// After the end nothing is read any more.
				this.#isReading = done
				this.readOn()
			},
			() => {}
		)
	}

	/** A half is not read any more. If no other half is, nobody is there. */
	leave(half: Half, reason?: unknown): void {
		this.#halves.delete(half)
		const isRead = [...this.#halves].some(({ isRead }) => isRead)
		if (this.#halves.size === 0 || (half.hasBegun && !isRead))
			this.#reader.cancel(reason).catch(() => {})
		else this.readOn()
	}
}

/** One half, and the chunks that the other took before this one. */
class Half implements UnderlyingDefaultSource<Uint8Array> {
	readonly body: Body
	hasBegun = false
	/** Its reader waits for a chunk. */
	isAsking = false
	readonly #split: Split
	readonly #limit: number
	#controller!: ReadableStreamDefaultController<Uint8Array>
	#waiting: Uint8Array[] = []
	#waitingBytes = 0
	#hasEnded = false

	constructor(split: Split, limit: number) {
		this.#split = split
		this.#limit = limit
		// Nothing is taken ahead, so that a half that is pulled is a half that is read.
		this.body = new Body(this, { highWaterMark: 0 }, limit)
	}

	/** Whether it has a reader. One that only took a look, as at the first bytes, has let go of it. */
	get isRead(): boolean {
		return this.hasBegun && this.body.locked
	}

	/** Whether more waits for it than may. */
	get isFull(): boolean {
		return this.#waitingBytes > this.#limit
	}

	start(controller: ReadableStreamDefaultController<Uint8Array>): void {
		this.#controller = controller
	}

	pull(): void {
		this.hasBegun = true
		const chunk = this.#waiting.shift()
		if (chunk) {
			this.#waitingBytes -= chunk.byteLength
			this.#controller.enqueue(chunk)
		} else if (this.#hasEnded) this.#controller.close()
		else this.isAsking = true
		this.#split.readOn()
	}

	cancel(reason: unknown): void {
		this.#waiting = []
		this.#split.leave(this, reason)
	}

	add(chunk: Uint8Array): void {
		if (this.isAsking) {
			// Before it is handed over, since the next pull may come with that.
			this.isAsking = false
			return this.#controller.enqueue(chunk)
		}
		this.#waiting.push(chunk)
		this.#waitingBytes += chunk.byteLength
		if (this.isRead || !this.isFull) return
		this.fail(
			new SseError(
				'overflow',
				`A copy of an event stream is not read: more than maxBuffer (${this.#limit} bytes) waits for it. ` +
					'Do not clone the response of an event stream, or read the copy.'
			)
		)
		this.#split.leave(this)
	}

	end(): void {
		this.#hasEnded = true
		if (this.isAsking) this.#controller.close()
	}

	fail(error: unknown): void {
		this.#waiting = []
		this.#controller.error(error)
	}
}
