import { flushPromises } from '../../src/lib/testing/flush-promises.js'
import { memoryFetch } from '../../src/lib/testing/memory-fetch.js'

interface Init {
	status?: number
	headers?: HeadersInit
}

const encoder = new TextEncoder()

/** One request that was made, and the server's side of it. */
export class Call {
	readonly url: string
	readonly init: RequestInit
	readonly headers: Headers
	readonly response: Promise<Response>
	/** Where the response's body stands. */
	body: 'none' | 'open' | 'ended' | 'broken' | 'cancelled' = 'none'
	#respond!: (response: Response) => void
	#reject!: (error: unknown) => void
	#controller: ReadableStreamDefaultController<Uint8Array> | undefined
	#isPending = true

	constructor(url: string, init: RequestInit) {
		this.url = url
		this.init = init
		this.headers = new Headers(init.headers)
		this.response = new Promise((resolve, reject) => {
			this.#respond = resolve
			this.#reject = reject
		})
	}

	get lastEventId(): string | null {
		return this.headers.get('last-event-id')
	}

	/** Whether the client has given it up. */
	get isAborted(): boolean {
		return this.init.signal!.aborted
	}

	/** Whether the request, or its response, is still under way. */
	get isActive(): boolean {
		return !this.isAborted && (this.#isPending || this.body === 'open')
	}

	/** Whether nobody answered it yet. */
	get isPending(): boolean {
		return this.#isPending && !this.isAborted
	}

	/** Answers; without an `init`, with an event stream. */
	async answer(text?: string | null, { status = 200, headers }: Init = {}): Promise<void> {
		const all = new Headers(headers)
		if (!all.has('content-type')) all.set('content-type', 'text/event-stream')
		let body: ReadableStream<Uint8Array> | null = null
		if (text !== null) {
			this.body = 'open'
			body = new ReadableStream(
				{
					start: (controller) => void (this.#controller = controller),
					cancel: () => void (this.body = 'cancelled')
				},
				{ highWaterMark: 0 }
			)
			if (text) this.#controller!.enqueue(encoder.encode(text))
		}
		this.#isPending = false
		this.#respond(new Response(body, { status, headers: all }))
		await flushPromises()
	}

	/** Answers as `produce()` does. */
	hello(ping = 30_000, text = ''): Promise<void> {
		return this.answer(`: sveltekit-sse/1 hello ping=${ping}\n\n${text}`)
	}

	/** Answers with a whole body that is no event stream. */
	async refuse(status: number, text = '', headers: HeadersInit = {}): Promise<void> {
		const hasBody = status !== 204 && status !== 304
		void this.answer(hasBody ? text : null, {
			status,
			headers: { 'content-type': 'text/plain', ...headers }
		})
		await this.end()
	}

	/** Sends more of the body. */
	async write(piece: string | Uint8Array): Promise<void> {
		if (this.body === 'open')
			this.#controller!.enqueue(typeof piece === 'string' ? encoder.encode(piece) : piece)
		await flushPromises()
	}

	/** Sends the last frame, and ends the body. */
	async goodbye(reason: string, retry?: number): Promise<void> {
		const retryField = retry === undefined ? '' : `retry: ${retry}\n`
		await this.write(`${retryField}: sveltekit-sse/1 close ${reason}\n\n`)
		await this.end()
	}

	/** Ends the body without a word. */
	async end(): Promise<void> {
		if (this.body === 'open') {
			this.body = 'ended'
			this.#controller!.close()
		}
		await flushPromises()
	}

	/** There is no response, or it breaks off. */
	async fail(message = 'fetch failed'): Promise<void> {
		const error = new TypeError(message)
		if (this.#isPending) this.#reject(error)
		else if (this.body === 'open') {
			this.body = 'broken'
			this.#controller!.error(error)
		}
		this.#isPending = false
		await flushPromises()
	}
}

/** A memory fetch whose server is played by hand, call by call, or by `serve`. */
export class Requests {
	readonly all: Call[] = []
	/** Answers each request as soon as it has arrived. */
	serve: ((call: Call) => unknown) | undefined
	readonly #calls = new WeakMap<Request, Call>()
	readonly #fetch = memoryFetch(({ request }: { request: Request }) => {
		const call = this.#calls.get(request)!
		// The memory fetch remembers the request, and so would the client's signal be, and who listens to it.
		this.#calls.delete(request)
		this.serve?.(call)
		return call.response
	})

	readonly fetch = (input: RequestInfo | URL, init: RequestInit = {}): Promise<Response> => {
		const call = new Call(String(input), init)
		this.all.push(call)
		const response = this.#fetch(input, init)
		this.#calls.set(this.#fetch.requests.at(-1)!, call)
		return response
	}

	/** While it is set, aborting a request does not break it off. */
	set ignoresAbort(value: boolean) {
		this.#fetch.ignoresAbort = value
	}

	get count(): number {
		return this.all.length
	}

	/** The last one made. */
	get last(): Call {
		const call = this.all.at(-1)
		if (!call) throw new Error('No request has been made.')
		return call
	}

	/** Those under way. */
	get active(): Call[] {
		return this.all.filter((call) => call.isActive)
	}
}
