import { Hub, memory } from '../../../src/lib/hub/index.js'
import { produce } from '../../../src/lib/produce/produce.js'
import type { ProduceOptions, ProducerConnection } from '../../../src/lib/produce/types.js'
import type { CloseReason } from '../../../src/lib/errors.js'
import { decodeId } from '../../../src/lib/wire/headers.js'

/** Milliseconds; a client gives a stream up that is silent for 2.5 times as long. */
export const ping = 10_000

/** Text that belongs to a number, with all that is hard to transport: lines, and characters of many bytes. */
export function textOf(number: number): string {
	return `${number} ${'é€😀\nzwei: \n\n'.repeat(number % 7)}${'x'.repeat((number % 11) * 40)}`
}

/** A stream that counts. It resumes as long as it has the past, and says so when it has not. */
export abstract class Numbers {
	/** The latest number. */
	last = 0
	/** Streams that were opened. */
	opened = 0
	/** Calls of the streams' stop functions. */
	stopped = 0
	/** Whether every number can still be had. */
	isWhole: boolean
	readonly #open = new Set<ProducerConnection>()

	/** @param kept how many numbers of the past it keeps */
	constructor(protected readonly kept: number) {
		this.isWhole = kept > 1_000
	}

	abstract respond(request: Request): Response
	/** Sends the next number. */
	abstract count(): Promise<void>
	/** Loses the whole past. */
	abstract forget(): Promise<void>
	abstract close(): Promise<void>

	/** Ends all streams. */
	end(reason: CloseReason, retry?: number): void {
		for (const stream of this.#open) stream.close(reason, { retry })
	}

	protected options(request: Request): ProduceOptions & { request: Request } {
		this.opened++
		return { request, ping, stop: () => void this.stopped++ }
	}

	protected enter(stream: ProducerConnection): () => void {
		this.#open.add(stream)
		return () => this.#open.delete(stream)
	}
}

let hubs = 0

/** Numbers that a hub carries; the hub resumes by itself. */
export class HubNumbers extends Numbers {
	#hub = this.#create()

	respond(request: Request): Response {
		const start = (stream: ProducerConnection) => this.enter(stream)
		return this.#hub.stream('numbers', { ...this.options(request), start })
	}

	async count(): Promise<void> {
		const number = ++this.last
		const { error } = await this.#hub.publish('numbers', 'number', textOf(number))
		if (error) throw error
	}

	async forget(): Promise<void> {
		this.isWhole = false
		const lost = this.#hub
		this.#hub = this.#create()
		await lost.close()
	}

	close(): Promise<void> {
		return this.#hub.close()
	}

	#create(): Hub {
		const history = { events: this.kept }
		return new Hub({ broker: memory({ history }), history, name: `soak-${++hubs}` })
	}
}

/** Numbers as a user would write them on `produce` alone, with a log and an event `missed` of its own. */
export class PlainNumbers extends Numbers {
	#epoch = 0
	#log: number[] = []
	readonly #streams = new Set<ProducerConnection>()

	respond(request: Request): Response {
		const from = decodeId(request.headers.get('last-event-id'))
		const start = (stream: ProducerConnection) => {
			const leave = this.enter(stream)
			this.#streams.add(stream)
			if (from !== undefined) this.#resume(stream, from)
			return () => {
				leave()
				this.#streams.delete(stream)
			}
		}
		const resumed = from !== undefined && this.#isKnown(from)
		return produce(start, { ...this.options(request), resumed })
	}

	async count(): Promise<void> {
		this.#log.push(++this.last)
		if (this.#log.length > this.kept) this.#log.shift()
		for (const stream of this.#streams) this.#send(stream, this.last)
	}

	async forget(): Promise<void> {
		this.isWhole = false
		this.#epoch++
		this.#log = []
		this.end('restart')
	}

	async close(): Promise<void> {
		this.end('restart')
	}

	/** Whether everything behind this id is still there. */
	#isKnown(id: string): boolean {
		const [epoch, seen] = id.split('.').map(Number) as [number, number]
		return epoch === this.#epoch && seen >= this.last - this.#log.length
	}

	#resume(stream: ProducerConnection, from: string): void {
		const seen = Number(from.split('.')[1])
		if (!this.#isKnown(from)) stream.emit('missed', '', { id: this.#id(this.last) })
		else for (const number of this.#log) if (number > seen) this.#send(stream, number)
	}

	#send(stream: ProducerConnection, number: number): void {
		stream.emit('number', textOf(number), { id: this.#id(number) })
	}

	#id(number: number): string {
		return `${this.#epoch}.${number}`
	}
}
