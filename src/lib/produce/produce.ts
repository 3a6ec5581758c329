import type { Untyped } from '../contract/types.js'
import { SseError, toError } from '../errors.js'
import { Connection } from './connection.js'
import { sendAway } from './drain.js'
import { checkOptions, defaults, invalidArgument } from './options.js'
import { isAsyncIterable, pump } from './pump.js'
import { EventStream } from './stream.js'
import type { ProduceOptions, Start, Started, Stop, StopReason } from './types.js'

/**
 * Makes one stream of server-sent events: a standard `Response` to return from a `+server.ts` handler.
 *
 * The stream stays open until `lock.set(false)`, `close()`, the end of the async iterable that `start` returned, or
 * until the client leaves. If `start` throws or rejects, the stream ends with `error` and the error is reported.
 *
 * @param start feeds the stream; it runs at once.
 * @param options see {@link ProduceOptions}.
 * @throws {SseError} `invalid-argument` when an option has the wrong type.
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
export function produce<S = Untyped>(start: Start<S>, options: ProduceOptions<S> = {}): Response {
	if (typeof start !== 'function') throw invalidArgument('start', 'a function', start)
	checkOptions(options as ProduceOptions<never>)
	const { request, stop, error = console.error } = options
	/** What `start` returned to run at the end; taken out when it is called. */
	let stopReturned: Stop | undefined

	const stream: EventStream = new EventStream({
		...defaults,
		...withoutUndefined(options),
		ended(reason) {
			connection.ended()
			callStop(stop, reason)
			const returned = stopReturned
			stopReturned = undefined
			callStop(returned, reason)
		}
	})
	const connection = new Connection<S>(stream, options.events, request)

	/** Invariant 8: reported once, and never an unhandled rejection, not even when reporting fails. */
	function report(thrown: unknown): void {
		try {
			error(toError(thrown))
		} catch (failure) {
			console.error(failure)
		}
	}

	function callStop(run: Stop | undefined, reason: StopReason): void {
		if (!run) return
		try {
			Promise.resolve(run(stream, reason)).catch(report)
		} catch (thrown) {
			report(thrown)
		}
	}

	function fail(thrown: unknown): void {
		// A producer that gave up because its stream had ended did what it was told.
		if (!(stream.reason && isAbort(thrown))) report(thrown)
		stream.end('error')
	}

	function settle(started: Started<S>): void {
		if (isAsyncIterable(started)) {
			pump(started, connection).catch(fail)
		} else if (typeof started === 'function') {
			if (stream.reason) callStop(started, stream.reason)
			else stopReturned = started
		}
	}

	const response = stream.open()
	try {
		const started = start(connection)
		if (isPromiseLike(started)) Promise.resolve(started).then(settle).catch(fail)
		else settle(started)
	} catch (thrown) {
		fail(thrown)
	}
	sendAway(stream)
	return response
}

function isPromiseLike<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
	return typeof (value as PromiseLike<T> | undefined)?.then === 'function'
}

function isAbort(thrown: unknown): boolean {
	return thrown instanceof SseError
		? thrown.code === 'closed'
		: toError(thrown).name === 'AbortError'
}

function withoutUndefined<T extends object>(options: T): Partial<T> {
	return Object.fromEntries(
		Object.entries(options).filter(([, value]) => value !== undefined)
	) as Partial<T>
}
