import type { Writable } from 'svelte/store'
import type { Contract } from '../contract/types.js'
import { isCloseReason, closeReasons } from '../wire/control.js'
import { decodeId } from '../wire/headers.js'
import { createEmit, createPacedEmit } from './emitter.js'
import { Lock } from './lock.js'
import { invalid } from '../parts/check.js'
import { endedError, type EventStream } from './stream.js'
import type { Emit, ProducerConnection, Unsafe } from './types.js'

/**
 * What `start` receives, and takes apart. Its functions and objects are made when they are asked for: most streams use
 * one or two of them, and ten thousand idle connections should not pay for the rest.
 */
export class Connection<S> implements ProducerConnection<S> {
	readonly #stream: EventStream
	readonly #contract: Contract<S> | undefined
	readonly #request: Request | undefined
	#emit: Emit<S> | undefined
	#lock: Lock | undefined
	#abort: AbortController | undefined

	constructor(
		stream: EventStream,
		contract: Contract<S> | undefined,
		request: Request | undefined
	) {
		this.#stream = stream
		this.#contract = contract
		this.#request = request
	}

	get emit(): Emit<S> {
		return (this.#emit ??= createEmit(this.#stream, this.#contract))
	}

	/** The `emit` for what is sent one after the other; with a contract it waits for asynchronous schemas. */
	pacedEmit(): (...event: Parameters<Emit>) => Unsafe<void> | Promise<Unsafe<void>> {
		return this.#contract ? createPacedEmit(this.#stream, this.#contract) : (this.emit as Emit)
	}

	get lock(): Writable<boolean> {
		return (this.#lock ??= new Lock(this.#stream))
	}

	get signal(): AbortSignal {
		if (!this.#abort) {
			this.#abort = new AbortController()
			if (this.#stream.reason) this.#abort.abort(endedError(this.#stream.reason))
		}
		return this.#abort.signal
	}

	get source(): UnderlyingDefaultSource<Uint8Array> {
		return this.#stream
	}

	get lastEventId(): string | undefined {
		return lastEventIdOf(this.#request)
	}

	get buffered(): number {
		return this.#stream.buffered
	}

	get drained(): () => Promise<void> {
		return () => this.#stream.drained()
	}

	get close(): ProducerConnection['close'] {
		return (reason = 'done', options) => {
			if (!isCloseReason(reason))
				throw invalid('`reason`', `one of ${closeReasons.join(', ')}`, reason)
			this.#stream.end(reason, options?.retry)
		}
	}

	/** Tells the producer, through whatever it asked for, that the stream has ended. */
	ended(report: (thrown: unknown) => void): void {
		this.#abort?.abort(endedError(this.#stream.reason!))
		this.#lock?.released(report)
	}
}

/** The id that the client goes on from, if it names one. */
export function lastEventIdOf(request: Request | undefined): string | undefined {
	return decodeId(request?.headers.get('last-event-id'))
}
