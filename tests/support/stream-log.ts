import { decode } from '../../src/lib/link/decode.js'
import type { Control } from '../../src/lib/wire/control.js'

/** What a client notices of a stream, in the order in which it does. */
export type Noticed =
	| { event: string; data: string; id?: string }
	| { id: string }
	| { retry: number }
	| { hello: number | undefined }
	| { close: string }
	| { gap: true }
	| { cut: true }

/** Reads a stream as the client does, and writes down what it notices. */
export class StreamLog {
	readonly all: Noticed[] = []
	/** Resolves with everything once the body has ended; a body that breaks off ends with `cut`. */
	readonly ended: Promise<Noticed[]>
	#abort = new AbortController()
	#watchers = new Set<() => void>()

	constructor(body: ReadableStream<Uint8Array>) {
		this.ended = this.#read(body)
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
		while (!holds(this)) {
			await new Promise<void>((resolve) => this.#watchers.add(resolve))
		}
	}

	/** Resolves once so many events have come. */
	count(events: number): Promise<void> {
		return this.until((log) => log.events.length >= events)
	}

	/** Leaves, as a client does that closes its page. */
	leave(): void {
		this.#abort.abort()
	}

	async #read(body: ReadableStream<Uint8Array>): Promise<Noticed[]> {
		const sink = {
			event: (event: string, data: string, id?: string) =>
				this.#add(id === undefined ? { event, data } : { event, data, id }),
			id: (id: string) => this.#add({ id }),
			retry: (retry: number) => this.#add({ retry }),
			control: (control: Control) => this.#add(noticed(control)),
			bytes() {},
			parsed() {}
		}
		try {
			await decode(body, sink, this.#abort.signal)
		} catch {
			this.#add({ cut: true })
		}
		return this.all
	}

	#add(one: Noticed): void {
		this.all.push(one)
		for (const resolve of this.#watchers) resolve()
		this.#watchers.clear()
	}
}

/** Everything that a client notices of a response that ends. */
export function readAll(response: Response): Promise<Noticed[]> {
	return new StreamLog(response.body!).ended
}

/** A body whose chunks are the given pieces, handed out one by one. */
export function bodyOf(pieces: Iterable<Uint8Array | string>): ReadableStream<Uint8Array> {
	const encoder = new TextEncoder()
	const rest = pieces[Symbol.iterator]()
	return new ReadableStream(
		{
			pull(controller) {
				const { done, value } = rest.next()
				if (done) controller.close()
				else controller.enqueue(typeof value === 'string' ? encoder.encode(value) : value)
			}
		},
		{ highWaterMark: 0 }
	)
}

function noticed(control: Control): Noticed {
	if (control.kind === 'hello') return { hello: control.ping }
	return control.kind === 'close' ? { close: control.reason } : { gap: true }
}
