import { BROWSER, DEV } from 'esm-env'
import type { Untyped } from '../contract/types.js'
import { checkOnce, checkRead } from './check.js'
import { Loop, type LoopOptions } from './loop.js'
import type { EventStream, OnceOptions, ReadOptions } from './options.js'
import { Requests, type From } from './requests.js'

/** The type of `read`. */
export interface Read {
	/**
	 * Reads a stream of server-sent events in a loop, wherever JavaScript runs: on servers, in workers, in scripts. It needs
	 * neither Svelte nor a compiler.
	 *
	 * The first `next()` makes the request. Leaving the loop closes the connection. A lost connection reconnects by itself and
	 * resumes after the last event id. While the loop is busy, the connection is not read, so a fast server has to wait.
	 *
	 * The loop ends when the stream is over: the server ended the stream with `done`, answered 204, or, if the stream is not
	 * made by `produce()`, ended the body between two events. The loop throws the `SseError` that closed the connection:
	 * `response` for a response that is no event stream, `denied`, or the last error if nothing reconnects.
	 *
	 * @param from the URL of the stream, or the request. A function is called before every attempt. A relative URL is resolved
	 * now, against the page.
	 * @param options see {@link ReadOptions}.
	 * @throws {SseError} `invalid-url` for a URL that cannot be resolved, `invalid-argument` for options that cannot work.
	 *
	 * @example
	 * ```ts
	 * import { read } from 'sveltekit-sse/read'
	 *
	 * for await (const { name, data, id } of read('https://example.com/events')) {
	 * 	console.log(name, data, id)
	 * 	if (name === 'last') break
	 * }
	 * ```
	 */
	<S = Untyped>(
		from: string | URL | Request | (() => string | URL | Request | Promise<string | URL | Request>),
		options?: ReadOptions<S>
	): EventStream<S>
	/**
	 * Reads a response that is there already, such as the answer of a language model. Nothing reconnects: the loop throws `cut` if
	 * the stream breaks off.
	 *
	 * @param response a response that nobody has read.
	 * @param options see {@link OnceOptions}.
	 * @throws {SseError} `invalid-argument` for a response that has a reader already; in the loop `response` for a response that
	 * is no event stream.
	 *
	 * @example
	 * ```ts
	 * import { read } from 'sveltekit-sse/read'
	 *
	 * const response = await fetch('https://example.com/v1/chat', { method: 'POST', body: '{}' })
	 * for await (const { data } of read.once(response, { until: '[DONE]' })) console.log(data)
	 * ```
	 */
	once<S = Untyped>(response: Response, options?: OnceOptions<S>): EventStream<S>
}

/** Reads streams in loops, see {@link Read}. */
export const read: Read = /* @__PURE__ */ Object.assign(
	<S>(from: From, options: ReadOptions<S> = {}) => open(from, options),
	{ once }
)

function once<S>(response: Response, options: OnceOptions<S> = {}): EventStream<S> {
	if (DEV || !BROWSER) checkOnce(response)
	const fetch = async (): Promise<Response> => response
	return open(
		// Nothing is requested; the URL is for messages.
		response.url || 'http://localhost',
		{ ...options, fetch, reconnect: false },
		() => void response.body?.cancel().catch(() => {})
	)
}

/** @param closed called when the connection is closed */
function open<S>(from: From, options: ReadOptions<S>, closed?: () => void): EventStream<S> {
	const {
		method,
		headers,
		body,
		fetch,
		lastEventId,
		watchdog,
		connectTimeout = 30_000,
		reconnect,
		events,
		until,
		signal,
		open,
		gap,
		error,
		...init
	} = options
	const requests = new Requests(from, options, init)
	if (DEV || !BROWSER)
		checkRead(options, requests, typeof from === 'function' && method === undefined)
	const link = Object.assign(requests, {
		watchdog,
		connectTimeout,
		events,
		reconnect: !requests.isOneShot && reconnect !== false && { ...(reconnect as object) },
		pauseAfter: undefined
	})
	return streamOf(new Loop(options as LoopOptions, link, closed))
}

/** Closes at once, also while `next()` waits, for which the generator alone would wait too. */
function streamOf<S>(loop: Loop): EventStream<S> {
	const events = loop.events()
	const leave = events.return.bind(events, undefined)
	const close = (): Promise<IteratorResult<unknown, undefined>> => {
		loop.close()
		return leave()
	}
	return Object.assign(events, {
		return: close,
		async throw(error: unknown) {
			await close()
			throw error
		}
	}) as object as EventStream<S>
}
