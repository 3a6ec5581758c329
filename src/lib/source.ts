import { SseConnection, type ConnectionConfig } from './connection.svelte.js'
import type { Untyped } from './contract/types.js'
import { SseError, toError } from './errors.js'
import type { Body, ReconnectOptions } from './link/types.js'
import type { SourceEvent, SourceOptions } from './source-options.js'
import { describe } from './wire/encode.js'

/**
 * Reads a stream of server-sent events.
 *
 * The request is made when the first channel is read, not before, and never while pages are rendered on the server. Calls
 * with equal requests share one connection.
 *
 * @param from where the stream is; if a function, it may read state, and the connection follows when its URL changes.
 * @param options see {@link SourceOptions}.
 * @throws {SseError} `invalid-url` when `from` is no URL, `invalid-argument` when an option has the wrong type.
 *
 * @example
 * ```svelte
 * <script>
 * 	import { source } from 'sveltekit-sse'
 * 	const value = source('/custom-event').select('message')
 * </script>
 *
 * {value.current}
 * ```
 */
export function source<S = Untyped>(
	from: string | URL | (() => string | URL),
	options: SourceOptions<S> = {}
): SseConnection<S> {
	if (typeof options !== 'object' || options === null)
		throw invalid('options', "an object such as { method: 'GET' }", options)
	// A function is asked when the connection opens; by then the state it reads may be another.
	if (typeof from !== 'function') absolute(from)
	return new SseConnection<S>(settle(from, options))
}

/** Understands the option shapes of 0.14 (nested) and 0.15 (`on…`), and fills in the defaults. */
function settle<S>(
	from: string | URL | (() => string | URL),
	options: SourceOptions<S>
): ConnectionConfig<S> {
	const nested = options.options ?? {}
	const { method = nested.method ?? 'POST', body = nested.body, headers = nested.headers } = options
	const { watchdog, linger = 100, lastEventId, signal = nested.signal } = options
	checkType('method', method, 'string')
	checkType('lastEventId', lastEventId, 'string')
	checkType('fetch', options.fetch, 'function')
	checkType('gap', options.gap, 'function')
	checkDelay('linger', linger)
	if (watchdog !== false) checkDelay('watchdog', watchdog)
	checkSignal(signal)
	checkHeaders(headers)
	checkBody(body, method)
	return {
		url: () => absolute(typeof from === 'function' ? from() : from),
		scope: typeof from === 'function' ? from : undefined,
		link: {
			method: method.toUpperCase(),
			headers,
			body: body ?? undefined,
			credentials: options.credentials,
			fetch: options.fetch,
			reconnect: reconnection(options.reconnect),
			watchdog,
			pauseAfter: pause(options.hidden, nested.openWhenHidden),
			lastEventId
		},
		share: options.cache ?? true,
		linger,
		signal,
		events: options.events,
		initial: (options.initial ?? {}) as { [name: string]: unknown },
		on: {
			open: all(
				options.open,
				options.onopen,
				nested.onopen && (({ response }) => nested.onopen!(response!))
			),
			close: all(options.close, options.onclose, nested.onclose && (() => nested.onclose!())),
			error: all(
				options.error,
				options.onerror,
				nested.onerror && (({ error }) => nested.onerror!(error!))
			),
			message: all(
				options.message,
				options.onmessage,
				nested.onmessage && (({ id, event, data }) => nested.onmessage!({ id, event, data }))
			)
		},
		gap: options.gap
	}
}

function absolute(from: string | URL): string {
	try {
		return new URL(from, globalThis.document?.baseURI ?? 'http://localhost').href
	} catch (cause) {
		throw new SseError(
			'invalid-url',
			`source() needs a URL such as '/events', received ${describe(from)}.`,
			{ cause }
		)
	}
}

type Callback = (event: SourceEvent) => void

/** Calls all that are there, each whatever becomes of the others. */
function all(...callbacks: (Callback | undefined)[]): Callback | undefined {
	const given = callbacks.filter((callback) => callback !== undefined)
	for (const callback of given) checkType('a callback', callback, 'function')
	if (given.length < 2) return given[0]
	return (event) => {
		const failures: unknown[] = []
		for (const callback of given) {
			try {
				callback(event)
			} catch (thrown) {
				failures.push(thrown)
			}
		}
		if (failures.length > 0) throw failures[0]
	}
}

function reconnection(option: boolean | ReconnectOptions | undefined): ReconnectOptions | false {
	if (option === false) return false
	if (option === undefined || option === true) return {}
	if (typeof option !== 'object' || option === null)
		throw invalid('reconnect', 'a boolean, or an object such as { max: 10_000 }', option)
	checkDelay('reconnect.min', option.min)
	checkDelay('reconnect.max', option.max)
	checkDelay('reconnect.minUptime', option.minUptime)
	checkDelay('reconnect.attempts', option.attempts)
	checkType('reconnect.decide', option.decide, 'function')
	return Object.fromEntries(Object.entries(option).filter(([, value]) => value !== undefined))
}

function pause(
	hidden: SourceOptions['hidden'],
	openWhenHidden: boolean | undefined
): number | undefined {
	if (hidden === undefined) return openWhenHidden === false ? 0 : undefined
	if (hidden === 'keep') return undefined
	if (typeof hidden !== 'object' || hidden === null)
		throw invalid('hidden', "'keep' or { pauseAfter: milliseconds }", hidden)
	checkDelay('hidden.pauseAfter', hidden.pauseAfter)
	return hidden.pauseAfter
}

function checkHeaders(headers: unknown): void {
	if (headers === undefined || typeof headers === 'function') return
	try {
		new Headers(headers as HeadersInit)
	} catch (cause) {
		throw new SseError(
			'invalid-argument',
			`\`headers\` cannot be sent: ${toError(cause).message}`,
			{ cause }
		)
	}
}

function checkBody(body: unknown, method: string): void {
	if (body === undefined || body === null) return
	if (/^(get|head)$/i.test(method))
		throw new SseError(
			'invalid-argument',
			`A ${method} request cannot have a body; use POST, or leave it out.`
		)
	if (body instanceof ReadableStream)
		throw invalid(
			'body',
			'a value that can be sent again, or a function that makes one for each attempt',
			body
		)
	const isPlain = typeof body === 'object' && Object.getPrototypeOf(body) === Object.prototype
	if (isPlain || Array.isArray(body) || typeof body === 'number')
		throw invalid('body', 'what fetch can send, such as JSON.stringify(value)', body as Body)
}

function checkSignal(signal: unknown): void {
	if (signal !== undefined && !(signal instanceof AbortSignal))
		throw invalid('signal', 'an AbortSignal', signal)
}

function checkType(name: string, value: unknown, type: 'string' | 'function'): void {
	if (value !== undefined && typeof value !== type) throw invalid(name, `a ${type}`, value)
}

function checkDelay(name: string, value: unknown): void {
	if (value !== undefined && !(typeof value === 'number' && value >= 0))
		throw invalid(name, 'a number, 0 or more', value)
}

function invalid(name: string, expected: string, received: unknown): SseError {
	return new SseError(
		'invalid-argument',
		`\`${name}\` must be ${expected}, received ${describe(received)}.`
	)
}
