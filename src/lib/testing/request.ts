import { idHeader } from '../wire/headers.js'

/** What the request carries. */
export interface StreamRequestOptions {
	/** The id of the last event that the client has seen, to resume from. */
	lastEventId?: string | undefined
	/** HTTP method. @default 'POST' */
	method?: string | undefined
	/** More headers; `accept` is set in any case. */
	headers?: HeadersInit | undefined
	/** The body, if there is one. */
	body?: BodyInit | undefined
	/** Tells the handler that the client has left. */
	signal?: AbortSignal | undefined
}

/**
 * The request that `source()` would make, to give to a handler.
 *
 * @param url where to; relative to `http://localhost`.
 *
 * @example
 * ```ts
 * import { produce } from 'sveltekit-sse'
 * import { collect, streamRequest } from 'sveltekit-sse/testing'
 *
 * const POST = ({ request }: { request: Request }) =>
 * 	produce(({ emit, lastEventId }) => void emit('message', `after ${lastEventId}`), { request })
 *
 * const request = streamRequest('/orders', { lastEventId: '7' })
 * const [event] = await collect(POST({ request }), { take: 1 })
 * ```
 */
export function streamRequest(
	url: string | URL = '/',
	{ lastEventId, method = 'POST', headers, body, signal }: StreamRequestOptions = {}
): Request {
	const all = new Headers(headers)
	if (!all.has('accept')) all.set('accept', 'text/event-stream')
	if (lastEventId !== undefined) all.set('last-event-id', idHeader(lastEventId))
	return new Request(new URL(url, 'http://localhost'), { method, headers: all, body, signal })
}
