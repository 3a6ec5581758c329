import {
	flushPromises,
	memoryFetch,
	type ManualClock,
	type MemoryFetch
} from '../../../src/lib/testing/index.js'

interface Answer {
	status?: number
	headers?: HeadersInit
}

interface Hello {
	/** The heartbeat's interval that is announced, in milliseconds. */
	ping?: number
	/** Whether the stream goes on behind the last event id. */
	resumed?: boolean
	/** What follows the hello frame. */
	text?: string
}

/** Requests that are served: a storm must not keep a test from its end. */
const maxServed = 2_000

const encoder = new TextEncoder()

/** One request, and the server's side of its response. What is done happens at once, and resolves when it has arrived. */
export class Exchange {
	readonly request: Request
	/** When the request was made, by the manual clock. */
	readonly at: number
	readonly response: Promise<Response>
	readonly #respond: (response: Response) => void
	readonly #reject: (error: unknown) => void
	#controller: ReadableStreamDefaultController<Uint8Array> | undefined
	#isOver = false

	constructor(request: Request, at: number) {
		this.request = request
		this.at = at
		const { promise, resolve, reject } = Promise.withResolvers<Response>()
		this.response = promise
		this.#respond = resolve
		this.#reject = reject
	}

	get lastEventId(): string | null {
		return this.request.headers.get('last-event-id')
	}

	/** Whether the client has given the request up. */
	get isAborted(): boolean {
		return this.request.signal.aborted
	}

	/** Whether the request, or its response, is still under way. */
	get isOpen(): boolean {
		return !this.isAborted && !this.#isOver
	}

	/** Answers with an event stream, as a server of any make does. */
	async answer(text = '', { status = 200, headers }: Answer = {}): Promise<void> {
		const all = new Headers(headers)
		if (!all.has('content-type')) all.set('content-type', 'text/event-stream')
		const body = new ReadableStream<Uint8Array>({
			start: (controller) => void (this.#controller = controller),
			cancel: () => void (this.#isOver = true)
		})
		this.#respond(new Response(body, { status, headers: all }))
		await this.write(text)
	}

	/** Answers with what a handler returns. */
	pass(response: Response): void {
		this.#respond(response)
	}

	/** Sends the headers of a stream of ours, and no frame. */
	announce(ping = 30_000): Promise<void> {
		return this.answer('', { headers: { 'sveltekit-sse': `1; ping=${ping}` } })
	}

	/** Answers as `produce()` does. */
	async hello({ ping = 30_000, resumed = false, text = '' }: Hello = {}): Promise<void> {
		const frame = `: sveltekit-sse/1 hello ping=${ping}${resumed ? ' resumed=1' : ''}\n\n`
		await this.answer(frame + text, { headers: { 'sveltekit-sse': `1; ping=${ping}` } })
	}

	/** Answers with a whole body that is no event stream. */
	async refuse(status: number, headers: HeadersInit = {}, text = ''): Promise<void> {
		this.#isOver = true
		const all = { 'content-type': 'text/plain', ...headers }
		const hasBody = status !== 204 && status !== 304
		this.#respond(new Response(hasBody ? text : null, { status, headers: all }))
		await flushPromises()
	}

	/** Sends more of the body. */
	async write(text: string): Promise<void> {
		const piece = encoder.encode(text)
		if (this.isOpen && piece.length > 0) this.#controller!.enqueue(piece)
		// Who decodes a large piece gives way in between.
		for (let left = piece.length; left >= 0; left -= 16_384) await flushPromises()
	}

	/** Ends the body without a word. */
	async end(): Promise<void> {
		if (this.isOpen) this.#controller!.close()
		this.#isOver = true
		await flushPromises()
	}

	/** Sends the last frame, and ends the body. */
	async goodbye(reason: string, retry?: number): Promise<void> {
		const retryField = retry === undefined ? '' : `retry: ${retry}\n`
		const frame = `${retryField}: sveltekit-sse/1 close ${reason}\n\n`
		if (this.isOpen) this.#controller!.enqueue(encoder.encode(frame))
		await this.end()
	}

	/** There is no response, or it breaks off. */
	async fail(message = 'network error'): Promise<void> {
		const error = new TypeError(message)
		if (this.isOpen) this.#controller?.error(error)
		this.#isOver = true
		this.#reject(error)
		await flushPromises()
	}
}

/** A server in memory: each request is answered by hand, or by `serve`. */
export class Server {
	readonly fetch: MemoryFetch
	/** The requests that reached the server, the oldest first. */
	readonly all: Exchange[] = []
	/** Answers each request as soon as it comes. */
	serve: ((exchange: Exchange) => unknown) | undefined

	constructor(clock: ManualClock) {
		this.fetch = memoryFetch(({ request }: { request: Request }) => {
			const exchange = new Exchange(request, clock.now)
			// Nobody else hears of it when the client has left meanwhile.
			exchange.response.catch(() => {})
			this.all.push(exchange)
			if (this.all.length <= maxServed) void this.serve?.(exchange)
			return exchange.response
		})
	}

	/** How many requests were made, those included that were given up before they reached the server. */
	get count(): number {
		return this.fetch.requests.length
	}

	get last(): Exchange {
		const exchange = this.all.at(-1)
		if (!exchange) throw new Error('No request has reached the server.')
		return exchange
	}

	get open(): Exchange[] {
		return this.all.filter(({ isOpen }) => isOpen)
	}

	get urls(): string[] {
		return this.all.map(({ request }) => request.url)
	}

	get lastEventIds(): (string | null)[] {
		return this.all.map(({ lastEventId }) => lastEventId)
	}

	/** Milliseconds between each request and the one before it. */
	get waits(): number[] {
		return this.all.slice(1).map(({ at }, index) => at - this.all[index]!.at)
	}
}

/** One event for each text. */
export function events(...data: string[]): string {
	return data.map((one) => `data: ${one}\n\n`).join('')
}
