import { clock } from '../clock.js'
import { SseError, toError } from '../errors.js'
import { encodeId, isEventStream } from '../wire/headers.js'
import { parseRetryAfter } from './retry.js'
import type { RequestOptions } from './types.js'

/** Bytes of a refused response that are kept for the error. */
const mostOfBody = 1_024

/** A response that was accepted: a stream with a body. */
export interface Accepted {
	response: Response
	body: ReadableStream<Uint8Array>
}

/** What kept an attempt from becoming a stream. */
export class AttemptError extends Error {
	constructor(
		readonly reason: 'request' | 'network' | 'refused' | 'no-content',
		readonly error: SseError | undefined,
		readonly response?: Response
	) {
		super(reason)
	}

	/** Milliseconds the server asked to wait. */
	get wait(): number | undefined {
		return parseRetryAfter(this.response?.headers.get('retry-after') ?? null, +clock.date())
	}
}

/**
 * Makes one request and checks its response: the status, then the type, then the body.
 *
 * @throws {AttemptError} when there is no stream to read; the response's body has been released.
 */
export async function openStream(
	options: RequestOptions,
	lastEventId: string | undefined,
	signal: AbortSignal
): Promise<Accepted> {
	const response = await send(options, lastEventId, signal)
	// [spec] 9.2.3: HTTP 204 No Content tells the client to stop reconnecting.
	if (response.status === 204) throw new AttemptError('no-content', undefined, response)
	const type = response.headers.get('content-type')
	if (response.status === 200 && isEventStream(type) && response.body)
		return { response, body: response.body }
	const body = await startOfBody(response, signal)
	throw new AttemptError('refused', refusal(response, type, body), response)
}

async function send(
	options: RequestOptions,
	lastEventId: string | undefined,
	signal: AbortSignal
): Promise<Response> {
	let url: string
	let init: RequestInit
	try {
		const headers = new Headers(await call(options.headers))
		if (!headers.has('accept')) headers.set('accept', 'text/event-stream')
		if (lastEventId) headers.set('last-event-id', encodeId(lastEventId))
		const { method, credentials } = options
		url = options.url()
		init = {
			method,
			headers,
			credentials,
			signal,
			cache: 'no-store',
			body: await call(options.body)
		}
	} catch (thrown) {
		throw new AttemptError('request', requestError(thrown))
	}
	// Given up while the headers were being made: nothing may be sent any more.
	signal.throwIfAborted()
	try {
		return await (options.fetch ?? fetch)(url, init)
	} catch (thrown) {
		throw new AttemptError('network', networkError(url, thrown))
	}
}

function call<T>(value: T | (() => T | Promise<T>)): T | Promise<T> {
	return typeof value === 'function' ? (value as () => T | Promise<T>)() : value
}

function requestError(thrown: unknown): SseError {
	return new SseError(
		'request',
		`The request could not be made: ${toError(thrown).message}. Look at the headers, body and url functions.`,
		{ cause: thrown }
	)
}

function networkError(url: string, thrown: unknown): SseError {
	return new SseError(
		'network',
		`No response from ${url}: ${toError(thrown).message}. The server may be down, or refuse this origin (CORS).`,
		{ cause: thrown }
	)
}

function refusal(response: Response, type: string | null, body: string): SseError {
	const { status, statusText } = response
	const what =
		status === 200
			? `The response is not an event stream but ${type ?? 'has no content-type'}; return produce() from the endpoint.`
			: `The server answered ${status}${statusText && ` ${statusText}`} instead of an event stream.`
	return new SseError('response', what, { status, body })
}

/** Reads the start of the body and cancels the rest; unread, it would hold its socket. */
async function startOfBody(response: Response, signal: AbortSignal): Promise<string> {
	if (!response.body) return ''
	const reader = response.body.getReader()
	signal.addEventListener('abort', () => void reader.cancel().catch(() => {}))
	const decoder = new TextDecoder()
	let text = ''
	try {
		while (text.length < mostOfBody) {
			const { done, value } = await reader.read()
			if (done) break
			text += decoder.decode(value, { stream: true })
		}
	} catch {
		// What has come is enough: the status tells the rest.
	}
	await reader.cancel().catch(() => {})
	return text.slice(0, mostOfBody)
}
