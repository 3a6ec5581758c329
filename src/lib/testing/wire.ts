import { isEventStream } from '../wire/headers.js'

/**
 * What servers hear of a client that has left. One for all: an error keeps what made it, here the client's signal and all that
 * listens to it, for as long as the test looks at its requests.
 */
const left = new DOMException('The client has left.', 'AbortError')

/** One request and its response in memory: it can be given up by the client, ended by the server, and cut between. */
export class Wire {
	readonly #server = new AbortController()
	readonly #client: AbortSignal | undefined
	readonly #ended: (wire: Wire) => void
	/** Why nothing comes any more. */
	#failure: { error: unknown } | undefined
	#reject: ((error: unknown) => void) | undefined
	#body: ReadableStreamDefaultReader<Uint8Array> | undefined
	#controller: ReadableStreamDefaultController<Uint8Array> | undefined

	/** @param client the signal with which the client gives up. */
	constructor(client: AbortSignal | undefined, ended: (wire: Wire) => void) {
		this.#client = client
		this.#ended = ended
		if (client?.aborted) this.#giveUp()
		else client?.addEventListener('abort', this.#giveUp)
	}

	/** Aborted when the client has gone, as `request.signal` is on a server. */
	get signal(): AbortSignal {
		return this.#server.signal
	}

	throwIfCut(): void {
		if (this.#failure) throw this.#failure.error
	}

	/** Breaks off, as a network that fails. */
	cut(): void {
		this.#end({ error: new TypeError('network error: the memory fetch was told to drop it') })
	}

	/** Hands the response on, with a body that passes through here, no faster than it is read. */
	async pass(answer: Promise<Response>): Promise<Response> {
		try {
			const broken = new Promise<never>((_, reject) => (this.#reject = reject))
			const response = await Promise.race([answer, broken])
			// Other answers are read in one go, or not at all; nobody would ever say that they are through with one.
			if (!response.body || !isEventStream(response.headers.get('content-type'))) {
				this.#end()
				return response
			}
			this.#body = response.body.getReader()
			const body = new ReadableStream<Uint8Array>(
				{
					start: (controller) => void (this.#controller = controller),
					pull: (controller) => this.#pull(controller),
					cancel: () => this.#end({ error: undefined })
				},
				{ highWaterMark: 0 }
			)
			const { status, statusText, headers } = response
			return new Response(body, { status, statusText, headers })
		} catch (thrown) {
			// An answer that comes after all has nobody to go to.
			answer.then((late) => late.body?.cancel()).catch(() => {})
			this.#end()
			throw thrown
		}
	}

	async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
		const { done, value } = await this.#body!.read().catch((error: unknown) => {
			this.#end({ error })
			return { done: true, value: undefined } as const
		})
		if (this.#failure) return
		if (!done) return controller.enqueue(value)
		controller.close()
		this.#end()
	}

	/** As the platform's `fetch`, it fails with the reason of the signal. */
	readonly #giveUp = (): void => this.#end({ error: this.#client!.reason })

	/** @param failure why it broke off; none: it came to its end. */
	#end(failure?: { error: unknown }): void {
		if (this.#failure) return
		this.#failure = failure ?? { error: undefined }
		this.#client?.removeEventListener('abort', this.#giveUp)
		this.#ended(this)
		if (!failure) return
		this.#reject?.(failure.error)
		if (failure.error !== undefined) this.#controller?.error(failure.error)
		this.#body?.cancel(failure.error).catch(() => {})
		this.#server.abort(left)
	}
}
