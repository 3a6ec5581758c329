import { SseError, toError, type CloseReason } from '../errors.js'
import type { Contract, Name, Out, Untyped } from '../contract/types.js'
import { decode } from '../link/decode.js'
import type { Control } from '../wire/control.js'
import { isEventStream } from '../wire/headers.js'

/** One event of a response. */
export type ReadEvent<S = Untyped> = {
	[K in Name<S>]: {
		/** The event's name. */
		event: K
		/** What the contract makes of its data; without one, text. */
		data: Out<S, K>
		/** The event's own id, if it carries one. */
		id: string | undefined
	}
}[Name<S>]

/**
 * One thing that a response says. The `id` of an event comes before the event.
 */
export type ReadNote =
	| {
			/** Name of an event. */
			event: string
			/** Its data, as text, also if there is a contract. */
			data: string
			/** Its id, if it has one. */
			id?: string
	  }
	| {
			/** The last event id is this now. */
			id: string
	  }
	| {
			/** Milliseconds to wait before reconnecting. */
			retry: number
	  }
	| {
			/** First frame: milliseconds between heartbeats; undefined without heartbeats. */
			hello: number | undefined
	  }
	| {
			/** Events were left out here. */
			gap: true
	  }
	| {
			/** Last frame: the reason of the end. */
			close: CloseReason
	  }
	| {
			/** The response broke off. */
			cut: true
	  }

/** How a response is read. */
export interface ReadOptions<S = Untyped> {
	/** The contract of the events; without one their data is text. */
	events?: Contract<S> | undefined
	/** A list that everything which comes is added to, in its order, for a test that asserts all of it at once. */
	log?: ReadNote[] | undefined
}

/** The events of a response, and what else it says. */
export interface EventReader<S = Untyped> extends AsyncIterableIterator<ReadEvent<S>> {
	/** Why the stream ended, if it has said so. */
	readonly reason: CloseReason | undefined
	/** Milliseconds between heartbeats, as announced. */
	readonly ping: number | undefined
	/** Milliseconds before reconnecting, as last asked for. */
	readonly retry: number | undefined
	/** How often the stream has said that events were left out. */
	readonly gaps: number
	/** Cancels the response, as a client that leaves. */
	return(): Promise<IteratorReturnResult<undefined>>
}

/**
 * Reads the response of a handler, event by event, and no further than it is asked for.
 *
 * @throws {SseError} `response` when it is no event stream; while reading, what is wrong with an event.
 *
 * @example
 * ```ts
 * import { produce } from 'sveltekit-sse'
 * import { read } from 'sveltekit-sse/testing'
 *
 * const stream = read(produce(({ emit, close }) => (emit('message', 'hello'), close('rotate'))))
 * for await (const { event, data } of stream) console.log(event, data)
 * console.log(stream.reason) // rotate
 * ```
 */
export function read<S = Untyped>(
	response: Response,
	{ events, log }: ReadOptions<S> = {}
): EventReader<S> {
	const { status, headers } = response
	const type = headers.get('content-type')
	if (status !== 200 || !isEventStream(type) || !response.body)
		throw new SseError(
			'response',
			`The handler answered ${status} with ${type ?? 'no content type'}, not with an event stream; read() takes what produce() returns.`,
			{ status }
		)
	const reader = new Reader(response.body, (note) => void log?.push(note))
	const iterator: EventReader<S> = {
		get reason() {
			return reader.reason
		},
		get ping() {
			return reader.ping
		},
		get retry() {
			return reader.retry
		},
		get gaps() {
			return reader.gaps
		},
		async next() {
			const found = await reader.next()
			if (!found) return { value: undefined, done: true }
			const { event, data, id } = found
			const value = { event, data: events ? await events.decode(event, data) : data, id }
			return { value: value as ReadEvent<S>, done: false }
		},
		async return() {
			reader.cancel()
			return { value: undefined, done: true }
		},
		[Symbol.asyncIterator]: () => iterator
	}
	return iterator
}

/** Reads one piece of a body whenever an event is asked for and none is there. */
class Reader {
	reason: CloseReason | undefined
	ping: number | undefined
	retry: number | undefined
	gaps = 0
	readonly #abort = new AbortController()
	readonly #found: { event: string; data: string; id: string | undefined }[] = []
	readonly #body: ReadableStreamDefaultReader<Uint8Array>
	readonly #note: (note: ReadNote) => void
	#isWanted = false
	#isOver = false
	#failure: Error | undefined
	/** Called when something is wanted, and when something has come. */
	#wake: (() => void)[] = []

	constructor(body: ReadableStream<Uint8Array>, note: (note: ReadNote) => void) {
		this.#body = body.getReader()
		this.#note = note
		const paced = new ReadableStream<Uint8Array>(
			{
				pull: (controller) => this.#pull(controller),
				cancel: (reason) => this.#body.cancel(reason)
			},
			{ highWaterMark: 0 }
		)
		void this.#run(paced)
	}

	async next(): Promise<{ event: string; data: string; id: string | undefined } | undefined> {
		this.#isWanted = true
		this.#tell()
		while (this.#found.length === 0 && !this.#isOver) await this.#change()
		this.#isWanted = false
		const next = this.#found.shift()
		const failure = this.#failure
		if (next || !failure) return next
		this.#failure = undefined
		throw failure
	}

	cancel(): void {
		this.#found.length = 0
		this.#isOver = true
		this.#abort.abort()
		this.#tell()
	}

	async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
		while (!(this.#isWanted && this.#found.length === 0)) await this.#change()
		const { done, value } = await this.#body.read()
		if (this.#isOver) return
		if (done) controller.close()
		else controller.enqueue(value)
	}

	async #run(body: ReadableStream<Uint8Array>): Promise<void> {
		try {
			await decode(
				body,
				{
					event: (name, data, id) => {
						const event = name || 'message'
						this.#found.push({ event, data, id })
						this.#note({ event, data, ...(id !== undefined && { id }) })
					},
					id: (id) => this.#note({ id }),
					retry: (retry) => {
						this.retry = retry
						this.#note({ retry })
					},
					control: (control) => this.#control(control),
					bytes: () => {},
					parsed: () => this.#tell()
				},
				this.#abort.signal
			)
		} catch (thrown) {
			this.#failure = toError(thrown)
			this.#note({ cut: true })
		}
		this.#isOver = true
		this.#tell()
	}

	#control(control: Control): void {
		if (control.kind === 'hello') {
			this.ping = control.ping
			this.#note({ hello: control.ping })
		} else if (control.kind === 'gap') {
			this.gaps++
			this.#note({ gap: true })
		} else {
			this.reason = control.reason
			this.#note({ close: control.reason })
		}
	}

	#change(): Promise<void> {
		return new Promise((resolve) => this.#wake.push(resolve))
	}

	#tell(): void {
		for (const wake of this.#wake.splice(0)) wake()
	}
}
