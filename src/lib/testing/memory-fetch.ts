import { invalid } from '../parts/check.js'
import { openRequests } from './leftovers.js'
import { createRouter, type Routes } from './routes.js'
import { flushPromises } from './flush-promises.js'
import { actAsClient, undoLater } from './restore.js'
import { Wire } from './wire.js'

/** What handlers get. */
export interface MemoryFetchOptions {
	/** More of the event that handlers get beside `request`, `url` and `params`, such as `locals`. */
	event?: Record<string, unknown> | undefined
}

/** A `fetch` that reaches handlers in this process, and what a test can do to the network between. */
export interface MemoryFetch {
	(input: RequestInfo | URL, init?: RequestInit): Promise<Response>
	/** The requests that were made, the oldest first. */
	readonly requests: readonly Request[]
	/** How many responses have not ended. */
	readonly open: number
	/** While it is set, requests fail as without a network. */
	isOffline: boolean
	/** While it is set, requests do not hear their signal, as in a `fetch` of your own that does not pass it on. */
	ignoresAbort: boolean
	/**
	 * Answers the next request in place of the handler. Asked for several times, it answers as many, in that order.
	 *
	 * @param answer a status, or a whole response; a promise of it answers later. One that rejects is a request that fails.
	 */
	respond(answer: number | Response | Promise<number | Response>): void
	/** Breaks every open response off, as a network that fails. */
	drop(): Promise<void>
	/** Takes the place of the page's own `fetch` until `restoreAll()`, or until what it returns is called. */
	install(): () => void
}

/**
 * Connects `source()` to handlers directly: no server, no network, no port.
 *
 * @param routes one handler for every request; or handlers, or whole `+server.ts` modules, by the path of their route,
 * which may have parameters such as `/rooms/[room]`. Another path is answered with 404.
 *
 * @example
 * ```ts
 * import { produce, source } from 'sveltekit-sse'
 * import { memoryFetch } from 'sveltekit-sse/testing'
 *
 * const POST = () => produce(({ emit }) => void emit('message', 'hello'))
 * const fetch = memoryFetch({ '/events': POST })
 * const message = await source('/events', { fetch }).select('message').next()
 * ```
 */
export function memoryFetch(routes: Routes, { event }: MemoryFetchOptions = {}): MemoryFetch {
	actAsClient()
	const route = createRouter(routes, event)
	const requests: Request[] = []
	const answers: Promise<Response>[] = []
	const wires = new Set<Wire>()
	const forget = openRequests.add(() => wires.size)
	undoLater(() => {
		for (const wire of wires) wire.cut()
		forget()
	})

	async function memoryFetch(input: RequestInfo | URL, init: RequestInit = {}): Promise<Response> {
		const client = fetch.ignoresAbort ? undefined : (init.signal ?? undefined)
		const wire = new Wire(client, (ended) => wires.delete(ended))
		const request = makeRequest(input, init, wire.signal)
		requests.push(request)
		// As over a network: the answer never comes within the call.
		await Promise.resolve()
		if (fetch.isOffline) throw new TypeError('fetch failed: the memory fetch is offline')
		wire.throwIfCut()
		wires.add(wire)
		const answer = answers.shift()
		return wire.pass(answer ?? route(request))
	}

	const fetch: MemoryFetch = Object.assign(memoryFetch, {
		requests,
		isOffline: false,
		ignoresAbort: false,
		open: 0,
		respond(answer: number | Response | Promise<number | Response>) {
			const made =
				answer instanceof Promise ? answer.then(makeAnswer) : Promise.resolve(makeAnswer(answer))
			// If no request comes for it, nobody hears of its failure.
			made.catch(() => {})
			answers.push(made)
		},
		async drop() {
			for (const wire of wires) wire.cut()
			await flushPromises()
		},
		install() {
			const before = globalThis.fetch
			globalThis.fetch = fetch as typeof globalThis.fetch
			return undoLater(() => {
				globalThis.fetch = before
			})
		}
	})
	return Object.defineProperty(fetch, 'open', { get: () => wires.size })
}

function makeRequest(input: RequestInfo | URL, init: RequestInit, signal: AbortSignal): Request {
	const base = globalThis.document?.baseURI ?? 'http://localhost'
	const target = input instanceof Request ? input : new URL(input, base)
	// The server hears that the client has left through the wire, and not before.
	const request = new Request(target, { ...init, signal: undefined })
	return Object.defineProperty(request, 'signal', { value: signal })
}

function makeAnswer(answer: number | Response): Response {
	if (typeof answer !== 'number') return answer
	if (answer < 200 || answer > 599)
		throw invalid('The argument of respond()', 'a response, or a status from 200 to 599', answer)
	return new Response(null, { status: answer })
}
