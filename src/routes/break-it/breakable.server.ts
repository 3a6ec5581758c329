/** A response that can be broken on purpose, as networks and servers break them by accident. */
export class Breakable {
	readonly response: Response
	readonly #reader: ReadableStreamDefaultReader<Uint8Array>
	#controller!: ReadableStreamDefaultController<Uint8Array>
	#isStalled = false

	constructor(whole: Response) {
		this.#reader = whole.body!.getReader()
		const body = new ReadableStream<Uint8Array>(
			{
				start: (controller) => void (this.#controller = controller),
				pull: () => this.#pass(),
				cancel: (reason) => this.#reader.cancel(reason)
			},
			{ highWaterMark: 0 }
		)
		this.response = new Response(body, whole)
	}

	/** The socket is destroyed: no last frame, no last byte. */
	cut(): void {
		this.#controller.error(new Error('cut on purpose'))
		void this.#reader.cancel()
	}

	/** Not one byte more, no heartbeat either; the socket stays open. */
	stall(): void {
		this.#isStalled = true
	}

	async #pass(): Promise<void> {
		const { done, value } = await this.#reader.read()
		if (this.#isStalled) return new Promise(() => {})
		if (done) this.#controller.close()
		else this.#controller.enqueue(value)
	}
}
