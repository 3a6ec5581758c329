import type { CloseReason } from '../../src/lib/errors.js'
import { produce } from '../../src/lib/produce/produce.js'
import type { ProducerConnection } from '../../src/lib/produce/types.js'
import { startHttpServer } from '../support/http-server.js'

/** What one test streams from: its streams, and what happened to them. */
class Room {
	readonly live = new Set<ProducerConnection>()
	/** `Last-Event-ID` of each stream that was opened; null for none. */
	readonly opened: (string | null)[] = []
	/** The query of each stream that was opened. */
	readonly queries: string[] = []
	/** The `Accept` of each. */
	readonly accepts: (string | null)[] = []
	/** Bodies of answers that are kept open. */
	readonly #held: ReadableStreamDefaultController<Uint8Array>[] = []
	#changed = Promise.withResolvers<void>()

	stream(request: Request, url: URL): Response {
		this.#note(request, url)
		const greeting = url.searchParams.get('greeting')
		return produce(
			(connection) => {
				this.live.add(connection)
				this.#change()
				if (greeting) connection.emit('message', greeting)
				return () => {
					this.live.delete(connection)
					this.#change()
				}
			},
			{ request, headers: cors }
		)
	}

	/** Any server's answer: the `status`, the `type` and the `text` of the query, kept open where it says `hold`. */
	answer(request: Request, url: URL): Response {
		this.#note(request, url)
		this.#change()
		const { status = '200', type, text, hold } = Object.fromEntries(url.searchParams)
		const body = new ReadableStream<Uint8Array>({
			start: (controller) => {
				controller.enqueue(new TextEncoder().encode(text))
				if (hold) this.#held.push(controller)
				else controller.close()
			}
		})
		const headers = { ...cors, 'content-type': type ?? 'text/event-stream' }
		return new Response(body, { status: +status, headers })
	}

	/** Breaks the answers off that are kept open, as a server does that dies. */
	cut(): void {
		for (const controller of this.#held.splice(0)) controller.error(new Error('cut'))
	}

	#note(request: Request, url: URL): void {
		this.opened.push(request.headers.get('last-event-id'))
		this.queries.push(url.search)
		this.accepts.push(request.headers.get('accept'))
	}

	/** Resolves once as many streams are live, and have been opened, as the query says. */
	async until(query: URLSearchParams): Promise<object> {
		const live = query.get('live')
		const opened = query.get('opened') ?? 0
		while ((live !== null && this.live.size !== +live) || this.opened.length < +opened)
			await this.#changed.promise
		const { queries, accepts } = this
		return { live: this.live.size, opened: this.opened, queries, accepts }
	}

	#change(): void {
		this.#changed.resolve()
		this.#changed = Promise.withResolvers()
	}
}

/** The page comes from another origin, and `Last-Event-ID` is a header that has to be allowed. */
const cors = {
	'access-control-allow-origin': '*',
	'access-control-allow-headers': '*',
	'access-control-allow-methods': '*'
}

/** The server that the browser tests stream from. */
export async function startServer(): Promise<{ url: string; close: () => Promise<void> }> {
	const rooms = new Map<string, Room>()

	const server = await startHttpServer(async (request) => {
		if (request.method === 'OPTIONS') return new Response(null, { headers: cors })
		const url = new URL(request.url)
		const [, name = '', action] = url.pathname.split('/')
		let room = rooms.get(name)
		if (!room) rooms.set(name, (room = new Room()))
		switch (action) {
			case 'stream':
				return room.stream(request, url)
			case 'emit': {
				const events = (await request.json()) as [name: string, data: unknown, id?: string][]
				for (const { emit } of room.live)
					for (const [name, data, id] of events) emit(name, data, id === undefined ? {} : { id })
				return Response.json({}, { headers: cors })
			}
			case 'end': {
				const [reason, options] = (await request.json()) as [CloseReason, { retry?: number }]
				for (const connection of room.live) connection.close(reason, options)
				return Response.json({}, { headers: cors })
			}
			case 'answer':
				return room.answer(request, url)
			case 'cut':
				room.cut()
				return Response.json({}, { headers: cors })
			case 'until':
				return Response.json(await room.until(url.searchParams), { headers: cors })
			case 'login':
				return new Response(null, { status: 303, headers: { ...cors, location: 'page' } })
			case 'page':
				return new Response('<h1>A page</h1>', {
					headers: { ...cors, 'content-type': 'text/html' }
				})
			default:
				return new Response('There is no such page.', { status: 404, headers: cors })
		}
	})

	return { url: server.url, close: () => server.kill() }
}
