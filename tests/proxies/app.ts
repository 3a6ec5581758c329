import { produce } from '../../src/lib/produce/produce.js'
import type { StopReason } from '../../src/lib/produce/types.js'
import { startHttpServer, type HttpServer } from '../support/http-server.js'

/** One stream, as the server sees it. */
export interface Stream {
	emit(data: string): void
	/** Ends the stream with `done`. */
	close(): void
	/** Why the stream has ended; undefined while it is open. */
	reason: StopReason | undefined
	readonly stopped: Promise<StopReason>
}

/** What the first event of each stream says about the request. */
export interface Greeting {
	method: string
	lastEventId: string | null
	body: string
}

/** Nothing that asks proxies for anything. */
const plainText = { 'content-type': 'text/plain' }

/** A server as under adapter-node: streams, a short response, and `/text`, which goes around the adapter. */
export class App implements AsyncDisposable {
	#server!: HttpServer
	#streams = new Map<string, PromiseWithResolvers<Stream>>()

	static async start(): Promise<App> {
		const app = new App()
		app.#server = await startHttpServer((request) => app.#respond(request))
		const { listener } = app.#server
		app.#server.listener = (request, response) => {
			if (request.url !== '/text') return listener(request, response)
			// Head and body in one write: some proxies compress only what is all there when they send the head.
			return response.setHeaders(new Headers(plainText)).end('text '.repeat(400))
		}
		return app
	}

	get port(): number {
		return this.#server.port
	}

	/** Without a slash at the end. */
	get url(): string {
		return this.#server.url
	}

	/** The stream of this path, as soon as the request has arrived. */
	stream(path: string): Promise<Stream> {
		return this.#opening(new URL(path, this.#server.url).pathname).promise
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.#server.kill()
	}

	#opening(path: string): PromiseWithResolvers<Stream> {
		const opening = this.#streams.get(path) ?? Promise.withResolvers<Stream>()
		this.#streams.set(path, opening)
		return opening
	}

	async #respond(request: Request): Promise<Response> {
		const { pathname, searchParams } = new URL(request.url)
		if (pathname === '/hello') return new Response('hello')
		const { method, headers } = request
		const greeting: Greeting = {
			method,
			lastEventId: headers.get('last-event-id'),
			body: await request.text()
		}
		const stopped = Promise.withResolvers<StopReason>()
		return produce(
			({ emit, close }) => {
				emit('data', JSON.stringify(greeting))
				const stream: Stream = {
					emit: (data) => void emit('data', data),
					close: () => close(),
					reason: undefined,
					stopped: stopped.promise
				}
				void stopped.promise.then((reason) => (stream.reason = reason))
				this.#opening(pathname).resolve(stream)
			},
			{
				request,
				ping: Number(searchParams.get('ping')) || false,
				stop: (_, reason) => stopped.resolve(reason)
			}
		)
	}
}
