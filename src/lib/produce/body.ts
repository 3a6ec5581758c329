import { SseError } from '../errors.js'

/**
 * A response's body that ends with its client also when the response was copied.
 *
 * `response.clone()` splits the body in two. The platform's own split tells the source that nobody reads any more when
 * both halves were cancelled, so a copy that a hook has made and forgotten would keep the producer of a client that
 * left, and every byte sent meanwhile. Here a half that nobody has begun to read counts for nothing, and what waits
 * for a half that does not read is bounded.
 *
 * On Node `clone()` calls `tee()`. Other runtimes split inside; there the request's signal tells.
 */
export class Body extends ReadableStream<Uint8Array> {
	readonly #limit: number

	/** @param limit bytes that may wait for one half */
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

/** What the halves of a body share: one reader, and the read that is under way. */
class Split {
	readonly #reader: ReadableStreamDefaultReader<Uint8Array>
	readonly #limit: number
	readonly #halves = new Set<Half>()
	#reading: Promise<void> | undefined

	constructor(reader: ReadableStreamDefaultReader<Uint8Array>, limit: number) {
		this.#reader = reader
		this.#limit = limit
	}

	half(): Body {
		const half = new Half(this, this.#limit)
		this.#halves.add(half)
		// Nothing is taken ahead, so that a half that is pulled is a half that is read.
		return new Body(half, { highWaterMark: 0 }, this.#limit)
	}

	/** Brings every half one chunk further; halves that ask at the same time share it. */
	read(): Promise<void> {
		return (this.#reading ??= this.#reader.read().then(
			({ done, value }) => {
				this.#reading = undefined
				for (const half of this.#halves) {
					if (done) half.end()
					else half.add(value)
				}
			},
			(error: unknown) => {
				for (const half of this.#halves) half.fail(error)
			}
		))
	}

	/** A half is not read any more. If no other half is, nobody is there. */
	leave(half: Half, reason?: unknown): void {
		this.#halves.delete(half)
		const isRead = [...this.#halves].some(({ hasBegun }) => hasBegun)
		if (this.#halves.size === 0 || (half.hasBegun && !isRead))
			this.#reader.cancel(reason).catch(() => {})
	}
}

/** One half: the chunks that the other has taken first. */
class Half implements UnderlyingDefaultSource<Uint8Array> {
	hasBegun = false
	readonly #split: Split
	readonly #limit: number
	#controller!: ReadableStreamDefaultController<Uint8Array>
	#waiting: Uint8Array[] = []
	#waitingBytes = 0
	#hasEnded = false

	constructor(split: Split, limit: number) {
		this.#split = split
		this.#limit = limit
	}

	start(controller: ReadableStreamDefaultController<Uint8Array>): void {
		this.#controller = controller
	}

	async pull(): Promise<void> {
		this.hasBegun = true
		if (this.#waiting.length === 0 && !this.#hasEnded) await this.#split.read()
		const chunk = this.#waiting.shift()
		if (chunk) {
			this.#waitingBytes -= chunk.byteLength
			this.#controller.enqueue(chunk)
		} else if (this.#hasEnded) this.#controller.close()
	}

	cancel(reason: unknown): void {
		this.#waiting = []
		this.#split.leave(this, reason)
	}

	add(chunk: Uint8Array): void {
		this.#waiting.push(chunk)
		this.#waitingBytes += chunk.byteLength
		if (this.#waitingBytes <= this.#limit) return
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
	}

	fail(error: unknown): void {
		this.#waiting = []
		this.#controller.error(error)
	}
}
