import { SseError, toError } from '../errors.js'
import { isAnswer, lateAnswer, reasonFor } from './answer.js'
import { Connection, lastEventIdOf } from './connection.js'
import { sendAway } from './drain.js'
import { defaultPing, defaults, none } from './options.js'
import { isAsyncIterable, pump } from './pump.js'
import { EventStream, type StreamOptions } from './stream.js'
import type { ProduceOptions, Start, Started, Stop, StopReason } from './types.js'

/** What a room that builds on streams may add to the user's options. */
export interface ProducerHooks extends Pick<StreamOptions, 'heartbeat'> {
	/** Milliseconds between heartbeats when the user does not say. */
	ping?: number
	/** Bytes that may wait when the user does not say. */
	maxBuffer?: number
	/** Whether the stream goes on behind the client's last event id, where the room knows. */
	resumed?: boolean
	/** Whether the stream goes on when what `start` returned has been iterated to its end. */
	staysOpen?: boolean
	/** Called once, in the tick in which the stream ends, before the user's stop functions. */
	ended?(reason: StopReason): void
}

/** One stream and the user's functions around it: `start`, what it returns, and `stop`. */
export class Producer<S> {
	readonly stream: EventStream
	readonly #connection: Connection<S>
	readonly #options: ProduceOptions<S>
	readonly #hooks: ProducerHooks
	/** What `start` returned to run at the end; taken out when it is called. */
	#stopReturned: Stop | undefined
	#hasBegun = false

	constructor(options: ProduceOptions<S>, hooks: ProducerHooks = none) {
		const { ping, maxBuffer, overflow, retry, maxDuration, request, headers } = options
		this.#options = options
		this.#hooks = hooks
		this.stream = new EventStream({
			ping: ping ?? defaultPing(hooks.ping),
			maxBuffer: maxBuffer ?? hooks.maxBuffer ?? defaults.maxBuffer,
			overflow: overflow ?? defaults.overflow,
			retry,
			maxDuration,
			request,
			headers,
			events: options.events,
			resumed: hooks.resumed ?? (options.resumed && lastEventIdOf(request) !== undefined),
			heartbeat: hooks.heartbeat,
			ended: (reason) => this.#ended(reason)
		})
		this.#connection = new Connection<S>(this.stream, options.events, request)
	}

	/**
	 * Makes the response, and starts feeding it.
	 *
	 * @throws what SvelteKit answers with, if `start` throws that and is not async: then there is no stream.
	 */
	run(start: Start<S>): Response {
		const response = this.stream.open()
		const over = this.stream.reason
		this.#hasBegun = true
		try {
			const started = start(this.#connection)
			if (isPromiseLike(started))
				Promise.resolve(started)
					.then((value) => this.#settle(value))
					.catch((thrown) => this.#fail(thrown))
			else this.#settle(started)
		} catch (thrown) {
			if (isAnswer(thrown)) {
				this.stream.end(reasonFor(thrown))
				void response.body!.cancel()
				throw thrown
			}
			this.#fail(thrown)
		} finally {
			// The response has no body and ended before: `stop` undoes what `start` has done, so it cannot come first.
			if (over) this.#call(this.#options.stop, over)
		}
		sendAway(this.stream)
		return response
	}

	#settle(started: Started<S>): void {
		if (isAsyncIterable(started)) {
			const fail = (thrown: unknown): void => this.#fail(thrown)
			pump(started, this.#connection, fail)
				.then(() => !this.#hooks.staysOpen && this.#connection.close())
				.catch(fail)
		} else if (typeof started === 'function') {
			if (this.stream.reason) this.#call(started, this.stream.reason)
			else this.#stopReturned = started
		}
	}

	#ended(reason: StopReason): void {
		const returned = this.#stopReturned
		this.#stopReturned = undefined
		this.#hooks.ended?.(reason)
		this.#connection.ended((thrown) => this.#report(thrown))
		if (this.#hasBegun) this.#call(this.#options.stop, reason)
		this.#call(returned, reason)
	}

	#call(stop: Stop | undefined, reason: StopReason): void {
		if (!stop) return
		try {
			Promise.resolve(stop(this.stream, reason)).catch((thrown) => this.#report(thrown))
		} catch (thrown) {
			this.#report(thrown)
		}
	}

	#fail(thrown: unknown): void {
		if (isAnswer(thrown)) {
			if (!this.stream.reason) this.#report(lateAnswer(thrown))
			return this.stream.end(reasonFor(thrown))
		}
		// A producer that gave up because its stream had ended did what it was told.
		if (!(this.stream.reason && isAbort(thrown))) this.#report(thrown)
		this.stream.end('error')
	}

	/** Reported once, and never an unhandled rejection, not even when reporting fails. */
	#report(thrown: unknown): void {
		try {
			const { error = console.error } = this.#options
			// Typed to return nothing, but an async function fits too, and may reject.
			Promise.resolve(error(toError(thrown)) as unknown).catch(console.error)
		} catch (failure) {
			console.error(failure)
		}
	}
}

function isPromiseLike<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
	return typeof (value as PromiseLike<T> | undefined)?.then === 'function'
}

function isAbort(thrown: unknown): boolean {
	if (thrown instanceof SseError) return thrown.code === 'closed'
	return toError(thrown).name === 'AbortError'
}
