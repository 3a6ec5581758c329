import { BROWSER, DEV } from 'esm-env'
import { SseError, toError } from '../errors.js'
import { idHeader, isEventStream, isSendable } from '../wire/headers.js'
import { explainRefusal, rememberAnswered, warnOfRefusal, warnOfRepeat } from './advice.js'
import type { Reason, RequestOptions } from './types.js'

/** Characters of a refused response's body that are kept for the error. */
const maxBodyText = 1_024

/** What came of one request: a stream to read, or why there is none. */
export interface Answer {
	response?: Response
	body?: ReadableStream<Uint8Array>
	reason?: Reason
	error?: SseError
	/** Another attempt would meet the same. */
	isFinal?: boolean
}

/** Called before the start of a refused response's body is read, with what ends the reading. */
type Refused = (giveUp: () => void) => void

/**
 * Makes one request and checks its response: the status, then the type, then the body.
 */
export async function request(
	options: RequestOptions,
	lastEventId: string | undefined,
	signal: AbortSignal,
	refused: Refused
): Promise<Answer> {
	let step: 'request' | 'network' = 'request'
	try {
		// A moment later, out of the effect that reads a channel: it must not depend on what these functions read. And a
		// reader that is gone by then has cost nothing.
		await Promise.resolve()
		signal.throwIfAborted()
		const headers = new Headers(await call(options.headers))
		if (!headers.has('accept')) headers.set('accept', 'text/event-stream')
		// Before the stream has sent an id, the user's own header stands.
		const isOwn = lastEventId === options.lastEventId && headers.has('last-event-id')
		if (!isOwn && isSendable(lastEventId)) headers.set('last-event-id', idHeader(lastEventId))
		const { method, url } = options
		const body = await call(options.body)
		refuseUsed(body)
		const mayLack = !options.hasOwnBody && !headers.has('content-type')
		if (mayLack && looksLikeForm(method, url, body)) headers.set('content-type', 'application/json')
		// Given up while the headers were being made: nothing may be sent any more.
		signal.throwIfAborted()
		if (body instanceof ReadableStream) used.add(body)
		step = 'network'
		// [spec] Fetch, 5.4: a body that is a stream needs `duplex`; the compiler's own types do not know it.
		const init: RequestInit & { duplex: 'half' } = {
			...options.init,
			cache: options.init.cache ?? 'no-store',
			method,
			headers,
			body,
			signal,
			duplex: 'half'
		}
		if (DEV) warnOfRepeat(options, body, lastEventId)
		const response = await (options.fetch ?? fetch)(url, init)
		const answer = await check(response, options, signal, refused)
		if (DEV && answer.body) rememberAnswered(options, body)
		return answer
	} catch (cause) {
		// Made by this library, and what another attempt would meet again.
		if (cause instanceof SseError && /^(request|invalid)/.test(cause.code))
			return { reason: 'request', error: cause, isFinal: true }
		const { message } = toError(cause)
		const text = DEV ? explain(step, message) : message
		return { reason: step, error: new SseError(step, text, { cause }) }
	}
}

/**
 * Whether SvelteKit may take a request without a type for a form, which it refuses from behind a proxy that it has not been
 * told of. The type JSON says that it is none. It stays off what goes elsewhere, where it would bring about a preflight, and
 * off forms, blobs, bytes and streams, which it would be wrong of.
 */
function looksLikeForm(method: string, url: string, body: unknown): boolean {
	return (
		(body == null || typeof body === 'string') &&
		!/^(GET|HEAD)$/.test(method) &&
		// Outside of browsers there is neither an origin nor a preflight.
		(!BROWSER || new URL(url).origin === globalThis.origin)
	)
}

async function check(
	response: Response,
	options: RequestOptions,
	signal: AbortSignal,
	refused: Refused
): Promise<Answer> {
	const { status, headers, body } = response
	// [spec] 9.2.3: HTTP 204 No Content tells the client to stop reconnecting.
	if (status === 204) return { response, reason: 'no-content' }
	const type = headers.get('content-type')
	if (status === 200 && isEventStream(type)) {
		if (typeof body?.getReader === 'function') return { response, body }
		const error = new SseError('response', DEV ? unreadable : 'no streaming body', { status })
		return { response, reason: 'refused', error }
	}
	const details = { status, body: body ? await startOf(body, refused) : '' }
	const message = DEV
		? explainRefusal(response, options.method, details.body)
		: `status ${status}, type ${type ?? 'none'}`
	const error = new SseError('response', message, details)
	if (DEV && !signal.aborted) warnOfRefusal(options, error)
	return { response, reason: 'refused', error }
}

const unreadable =
	"the response has no body that can be read as it comes. Its `fetch` (React Native's own, node-fetch) gives whole " +
	'responses only; pass a `fetch` whose `response.body` is a ReadableStream'

/** Bodies that can be sent once, such as a stream, after their first use. */
const used = new WeakSet<object>()

/** Says what to do, where `fetch` would say only that a stream is locked. */
function refuseUsed(body: unknown): void {
	if (body instanceof ReadableStream && (used.has(body) || body.locked))
		throw new SseError(
			'request',
			DEV
				? 'The body is a stream, which can be sent once, and was sent already. Pass a function that makes one for each attempt, or `reconnect: false`.'
				: 'body sent already'
		)
}

function call<T>(value: T | (() => T | Promise<T>)): T | Promise<T> {
	return typeof value === 'function' ? (value as () => T | Promise<T>)() : value
}

function explain(step: 'request' | 'network', message: string): string {
	return step === 'request'
		? `The request could not be made: ${message}. Look at the headers, body and url functions.`
		: `No response: ${message}. The server may be down, or refuse this origin (CORS).`
}

/** Reads the start of a body and cancels the rest; unread, it would hold its socket. */
async function startOf(body: ReadableStream<Uint8Array>, refused: Refused): Promise<string> {
	const reader = body.getReader()
	const cancel = (): void => void reader.cancel().catch(() => {})
	refused(cancel)
	const decoder = new TextDecoder()
	let text = ''
	try {
		while (text.length < maxBodyText) {
			const { done, value } = await reader.read()
			if (done) break
			text += decoder.decode(value, { stream: true })
		}
	} catch {
		// What has come is enough: the status tells the rest.
	}
	cancel()
	return text.slice(0, maxBodyText)
}
