import { read, type EventReader, type ReadNote } from '../../src/lib/testing/read.js'

/** Reads a stream as fast as it comes, and logs what a client notices of it. */
export class StreamLog {
	readonly all: ReadNote[] = []
	/** Resolves with everything once the body has ended; a body that breaks off ends with `cut`. */
	readonly ended: Promise<ReadNote[]>
	readonly #stream: EventReader
	#watchers: (() => void)[] = []

	constructor(response: Response) {
		Object.defineProperty(this.all, 'push', { value: (note: ReadNote) => this.#add(note) })
		this.#stream = read(response, { log: this.all })
		this.ended = this.#run()
	}

	/** The events alone, as `[name, data]`. */
	get events(): [string, string][] {
		return this.all.flatMap((one) => ('event' in one ? [[one.event, one.data]] : []) as never)
	}

	/** The data of the events alone. */
	get data(): string[] {
		return this.events.map(([, data]) => data)
	}

	/** Resolves once this holds of the log. */
	async until(holds: (log: this) => boolean): Promise<void> {
		while (!holds(this)) await new Promise<void>((resolve) => this.#watchers.push(resolve))
	}

	/** Resolves once so many events have come. */
	count(events: number): Promise<void> {
		return this.until((log) => log.events.length >= events)
	}

	/** Leaves, as a client does that closes its page. */
	leave(): void {
		void this.#stream.return()
	}

	async #run(): Promise<ReadNote[]> {
		try {
			for await (const _ of this.#stream);
		} catch {
			// The log says so.
		}
		return this.all
	}

	#add(note: ReadNote): number {
		this.all[this.all.length] = note
		for (const resolve of this.#watchers.splice(0)) resolve()
		return this.all.length
	}
}

/** An event stream of the given pieces, handed out one by one. */
export function streamOf(pieces: Iterable<Uint8Array | string>): Response {
	const encoder = new TextEncoder()
	const rest = pieces[Symbol.iterator]()
	const body = new ReadableStream<Uint8Array>(
		{
			pull(controller) {
				const { done, value } = rest.next()
				if (done) controller.close()
				else controller.enqueue(typeof value === 'string' ? encoder.encode(value) : value)
			}
		},
		{ highWaterMark: 0 }
	)
	return responseOf(body)
}

/** A response as event streams have it. */
export function responseOf(body: BodyInit): Response {
	return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
}
