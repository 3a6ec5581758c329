import { DEV } from 'esm-env'
import { SseConnection } from '../connection.svelte.js'
import type { AnyEvents, Untyped } from '../contract/types.js'
import { checkSource } from './check.js'
import type { ConnectionConfig } from './config.js'
import type { SourceOptions } from './options.js'

/**
 * Reads a stream of server-sent events.
 *
 * The request is made when the first channel is read, not before, and never while pages are rendered on the server. Calls
 * with equal requests share one connection.
 *
 * @param from the URL of the stream. A relative URL is resolved once, now, against the address of the page. A function may read
 * state, and the connection follows its URL while something reads; `null`, `undefined` or `''` means "not yet".
 * @param options see {@link SourceOptions}.
 * @throws {SseError} `invalid-url` if `from` is no valid URL, `invalid-argument` (in development) if an option has the wrong
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
	from: string | URL | (() => string | URL | null | undefined),
	options: SourceOptions<S> = {}
): SseConnection<S> {
	if (DEV) checkSource(from, options as SourceOptions<never>)
	return new SseConnection<S>({ ...settle(options), from })
}

/** Understands the option shapes of 0.14 (nested) and 0.15 (`on…`), and fills in the defaults. */
function settle<S>(options: SourceOptions<S>): Omit<ConnectionConfig, 'from'> {
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
		hidden = (options.openWhenHidden ?? openWhenHidden) === false ? { pauseAfter: 0 } : 'keep',
		reconnect = true,
		connectTimeout = 30_000,
		credentials = init.credentials,
		cache: share = true,
		urlChange = 'reset',
		linger = 100,
		fetch,
		watchdog,
		events,
		key,
		lastEventId,
		initial,
		gap
	} = options
	return {
		link: {
			method: (options.method ?? method).toUpperCase(),
			headers: options.headers ?? headers,
			body: options.body === undefined ? body : options.body,
			init: { ...init, credentials },
			fetch,
			reconnect: reconnect === true ? {} : reconnect,
			watchdog,
			pauseAfter: hidden === 'keep' ? undefined : hidden.pauseAfter,
			connectTimeout,
			events
		},
		share,
		urlChange,
		linger,
		signal: options.signal ?? signal,
		events,
		key,
		lastEventId,
		initial,
		gap,
		on: {
			open: [options.open, options.onopen, ({ response }) => onopen?.(response!)],
			close: [options.close, options.onclose, () => onclose?.()],
			error: [options.error, options.onerror, ({ error }) => onerror?.(error!)],
			message: [options.message, options.onmessage, onmessage]
		}
	}
}
