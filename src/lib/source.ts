import { DEV } from 'esm-env'
import { SseConnection, type ConnectionConfig } from './connection.svelte.js'
import type { AnyEvents, Untyped } from './contract/types.js'
import { SseError } from './errors.js'
import { checkSource } from './source-check.js'
import type { SourceOptions } from './source-options.js'

/**
 * Reads a stream of server-sent events.
 *
 * The request is made when the first channel is read, not before, and never while pages are rendered on the server. Calls
 * with equal requests share one connection.
 *
 * @param from where the stream is; if a function, it may read state, and the connection follows when its URL changes.
 * @param options see {@link SourceOptions}.
 * @throws {SseError} `invalid-url` when `from` is no URL, `invalid-argument` (in development) when an option has the wrong
 * type.
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
export function source<S extends AnyEvents = Untyped>(
	from: string | URL | (() => string | URL),
	options: SourceOptions<S> = {}
): SseConnection<S> {
	if (DEV) checkSource(from, options as SourceOptions<never>)
	const isFunction = typeof from === 'function'
	// A function is asked when the connection opens; by then the state that it reads may be another.
	if (!isFunction) absolute(from)
	return new SseConnection<S>({
		...settle(options),
		url: () => absolute(isFunction ? from() : from),
		scope: isFunction ? from : undefined
	})
}

/** Understands the option shapes of 0.14 (nested) and 0.15 (`on…`), and fills in the defaults. */
function settle<S>(options: SourceOptions<S>): Omit<ConnectionConfig, 'url' | 'scope'> {
	const {
		onopen,
		onclose,
		onerror,
		onmessage,
		method = 'POST',
		headers,
		body,
		signal,
		openWhenHidden,
		...init
	} = options.options ?? {}
	const {
		hidden = (options.openWhenHidden ?? openWhenHidden) === false ? { pauseAfter: 0 } : 'keep'
	} = options
	const { reconnect = true } = options
	return {
		link: {
			method: (options.method ?? method).toUpperCase(),
			headers: options.headers ?? headers,
			body: options.body === undefined ? body : options.body,
			init: { ...init, credentials: options.credentials ?? init.credentials },
			fetch: options.fetch,
			reconnect: reconnect === true ? {} : reconnect,
			watchdog: options.watchdog,
			pauseAfter: hidden === 'keep' ? undefined : hidden.pauseAfter,
			lastEventId: options.lastEventId,
			events: options.events
		},
		share: options.cache ?? true,
		linger: options.linger ?? 100,
		signal: options.signal ?? signal,
		initial: options.initial ?? {},
		on: {
			open: [options.open, options.onopen, ({ response }) => onopen?.(response!)],
			close: [options.close, options.onclose, () => onclose?.()],
			error: [options.error, options.onerror, ({ error }) => onerror?.(error!)],
			message: [options.message, options.onmessage, onmessage]
		},
		gap: options.gap
	}
}

function absolute(from: string | URL): string {
	try {
		// A worker has no document.
		const base = globalThis.document?.baseURI ?? globalThis.location?.href ?? 'http://localhost'
		return new URL(from, base).href
	} catch (cause) {
		throw new SseError(
			'invalid-url',
			DEV ? `source() needs a URL such as '/events', not '${from}'.` : `${from}`,
			{
				cause
			}
		)
	}
}
