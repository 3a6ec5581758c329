import { getRequest, setResponse } from '@sveltejs/kit/node'
import { once } from 'node:events'
import {
	createServer,
	type IncomingMessage,
	type Server,
	type ServerOptions,
	type ServerResponse
} from 'node:http'
import type { Socket } from 'node:net'
import { freePort, keepPort } from './ports.js'

/** What a `+server.ts` exports, in short. */
export type Handler = (request: Request) => Response | Promise<Response>

/** What a server of Node's calls with each request. */
export type Listener = (request: IncomingMessage, response: ServerResponse) => unknown

/** A handler over real HTTP, by SvelteKit's own bridge to Node: it acts as under adapter-node. */
export class HttpServer {
	/** What answers from the next request on; may be changed at any time. */
	handler: Handler
	/** Answers requests with the handler; may be replaced by an app in which it is mounted. */
	listener: Listener = (request, response) => this.#serve(request, response)
	#options: ServerOptions
	#port = 0
	#server: Server | undefined
	/** Lets the port go, which is kept while the server is away. */
	#letPortGo: (() => void) | undefined
	#closed: Promise<unknown> | undefined
	#sockets = new Set<Socket>()
	#requests = 0

	constructor(handler: Handler, options: ServerOptions = {}) {
		this.handler = handler
		this.#options = options
	}

	get port(): number {
		return this.#port
	}

	/** `http://127.0.0.1:<port>`, without a slash at the end. */
	get url(): string {
		return `http://127.0.0.1:${this.#port}`
	}

	/** How many connections are open. */
	get open(): number {
		return this.#sockets.size
	}

	/** How many requests came so far. */
	get requests(): number {
		return this.#requests
	}

	/** Listens, on the port it had if there was one. */
	async start(): Promise<void> {
		if (this.#server) return
		this.#port ||= await freePort()
		const server = createServer(this.#options, (request, response) => {
			void this.listener(request, response)
		})
		this.#server = server
		server.on('connection', (socket) => {
			this.#sockets.add(socket)
			socket.once('close', () => this.#sockets.delete(socket))
		})
		server.listen({ port: this.#port, host: '127.0.0.1', backlog: 4096 })
		await once(server, 'listening')
		this.#letPortGo?.()
		this.#letPortGo = undefined
	}

	/** Stops listening and ends idle connections; resolves when the last response has ended. */
	async close(): Promise<void> {
		const server = this.#server
		this.#server = undefined
		if (server) {
			this.#letPortGo = keepPort(this.#port)
			this.#closed = once(server, 'close')
			server.close()
		}
		await this.#closed
		const sockets = [...this.#sockets]
		await Promise.all(sockets.map((socket) => new Promise((done) => socket.once('close', done))))
	}

	/** Stops listening and ends all connections at once, as the system does for a dead process. */
	async kill(): Promise<void> {
		const closed = this.close()
		for (const socket of this.#sockets) socket.destroy()
		await closed
	}

	/** Dies and comes back on the same port. */
	async restart(): Promise<void> {
		await this.kill()
		await this.start()
	}

	/** Dies for good: its port may be another's. */
	async [Symbol.asyncDispose](): Promise<void> {
		await this.kill()
		this.#letPortGo?.()
		this.#letPortGo = undefined
	}

	async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
		this.#requests++
		response.once('finish', () => {
			// The client was promised to keep this connection alive, before the server was closed.
			if (!this.#server) incoming.socket.end()
		})
		try {
			const request = await getRequest({ request: incoming, base: this.url })
			await setResponse(response, await this.handler(request))
		} catch (error) {
			response.statusCode = 500
			response.end(error instanceof Error ? error.stack : String(error))
		}
	}
}

/** Serves a handler on a free loopback port. */
export async function startHttpServer(
	handler: Handler,
	options?: ServerOptions
): Promise<HttpServer> {
	const server = new HttpServer(handler, options)
	await server.start()
	return server
}
