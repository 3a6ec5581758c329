import type { AnyEvents, Untyped } from '../contract/types.js'
import { invalid } from '../parts/check.js'
import { checkOptions, none } from './options.js'
import { Producer } from './producer.js'
import type { ProduceOptions, Start } from './types.js'

/**
 * Makes one stream of server-sent events: a standard `Response` to return from a `+server.ts` handler.
 *
 * The stream stays open until `lock.set(false)`, `close()`, the end of the async iterable that `start` returned, or
 * until the client leaves. If `start` throws or rejects, the stream ends with `error` and the error is reported. If it
 * calls SvelteKit's `error()` or `redirect()` itself, that is the response instead, unless it is async or a generator:
 * then the response has begun.
 *
 * @param start feeds the stream; it runs at once.
 * @param options see {@link ProduceOptions}.
 * @throws {SseError} `invalid-argument` when an option has the wrong type; what `error()` and `redirect()` throw in a `start`
 * that is neither async nor a generator.
 *
 * @example
 * ```ts
 * // src/routes/custom-event/+server.ts
 * import { produce } from 'sveltekit-sse'
 *
 * export function POST() {
 * 	return produce(function start({ emit }) {
 * 		const timer = setInterval(() => emit('message', `the time is ${Date.now()}`), 1_000)
 * 		return function stop() {
 * 			clearInterval(timer)
 * 		}
 * 	})
 * }
 * ```
 */
export function produce<S extends AnyEvents = Untyped>(
	start: Start<NoInfer<S>>,
	options: ProduceOptions<S> = none
): Response {
	if (typeof start !== 'function') throw invalid('`start`', 'a function', start)
	checkOptions(options as ProduceOptions<never>)
	return new Producer<S>(options).run(start)
}
