import type { SseConnection } from '../../../src/lib/connection.svelte.js'
import type { Reason } from '../../../src/lib/link/types.js'
import type { SourceEvent } from '../../../src/lib/source-options.js'
import { source } from '../../../src/lib/source.js'
import { Timers, type FastClock } from './fast-clock.js'
import { ping, textOf } from './numbers.js'
import { Wire } from './wire.js'

/** Milliseconds of real time by which a busy machine may be late. */
const slack = 1_500

/** One handle on the stream, which checks what it hears. */
export class Reader {
	last: number | undefined
	gaps = 0
	received = 0
	readonly handle: SseConnection
	#isGapTold = false
	#client: Client
	#name: string
	#release: (() => void) | undefined

	constructor(name: string, client: Client, url: string) {
		this.#name = name
		this.#client = client
		this.handle = source(url, {
			fetch: client.wire.fetch,
			headers: client.headers,
			linger: 0,
			gap: () => this.#gap(),
			open: (event) => this.#hear(event),
			close: (event) => this.#hear(event),
			error: (event) => this.#hear(event)
		})
	}

	get isReading(): boolean {
		return this.#release !== undefined
	}

	/** Whether it takes part in the link. */
	get isUp(): boolean {
		return this.handle.status !== 'idle' && this.handle.status !== 'closed'
	}

	/** Reads, and so opens the connection. */
	read(): void {
		if (this.#release) return
		const stops = [
			this.handle.select('number').on((text) => this.#number(text)),
			this.handle.select('missed').on(() => this.#gap())
		]
		this.#release = () => stops.forEach((stop) => stop())
	}

	/** Stops reading, and so closes the connection if nobody else reads. */
	unread(): void {
		this.#release?.()
		this.#release = undefined
		// Held open by `connect()`, the connection goes on while nobody listens.
		if (this.isUp) this.last = undefined
	}

	note(what: string): void {
		this.#client.note(`${this.#name} ${what}`)
	}

	#number(text: string): void {
		const number = parseInt(text)
		this.received++
		this.note(`${number}`)
		if (text !== textOf(number)) this.#violated(`${number} came damaged: ${text}`)
		if (this.handle.status !== 'open') this.#violated(`a number came while ${this.handle.status}`)
		if (!this.isReading) this.#violated('a number came after the last reader had left')
		const { last } = this
		if (last !== undefined && number <= last) this.#violated(`${number} came after ${last}`)
		const isNext = last === undefined || number === last + 1 || this.#isGapTold
		if (!isNext) this.#violated(`${number} came after ${last}, and no gap was told`)
		this.last = number
		this.#isGapTold = false
	}

	#gap(): void {
		this.note('gap')
		this.gaps++
		this.#isGapTold = true
		// Others had gone on, or had come less far: from here on this reader is where they are.
		if (this.#client.isActing) this.last = undefined
	}

	#hear({ event, reason, error, willReconnect, isLocal, delay }: SourceEvent): void {
		const what = `${event} ${reason} ${error?.message ?? ''} ${delay ?? ''}`
		this.note(`${this.handle.status}: ${what}`)
		if (event === 'open' && this.handle.status !== 'open') this.#violated(`open, but ${what}`)
		if (event !== 'close') return
		if (willReconnect !== (this.handle.status === 'reconnecting')) this.#violated(what)
		if (!willReconnect && !isLocal && reason !== 'unused' && !this.#client.finals.has(reason!))
			this.#violated(`closed for a reason that nobody gave: ${what}`)
	}

	#violated(what: string): void {
		this.#client.violated(`${this.#name}: ${what}`)
	}
}

/** A page with two handles whose requests are equal, and so share one link. */
export class Client {
	readonly timers = new Timers()
	readonly wire = new Wire((what) => this.violated(what))
	readonly readers: [Reader, Reader]
	/** The reasons for which the connection may have closed for good. */
	readonly finals = new Set<Reason>()
	/** Whether the page does something right now. */
	isActing = false
	/** How many more times the headers cannot be made. */
	failingHeaders = 0
	readonly log: string[] = []
	readonly violations: string[] = []
	readonly #clock: FastClock
	readonly #startedAt = performance.now()
	#looking: ReturnType<typeof setInterval>
	/** How often in a row the stream was found dead, yet open. */
	#stale = 0

	constructor(clock: FastClock, url: string) {
		this.#clock = clock
		this.readers = [new Reader('A', this, url), new Reader('B', this, url)]
		this.#looking = setInterval(() => this.look(), 5)
	}

	readonly headers = async (): Promise<HeadersInit> => {
		if (this.failingHeaders-- > 0) throw new Error('no token')
		return { authorization: 'yes' }
	}

	/** Does something as the page; the timers that follow from it are this client's. */
	do(run: () => void): void {
		this.isActing = true
		this.#clock.as(this.timers, run)
		this.isActing = false
	}

	/** Whether both have everything up to this number, over an open connection. */
	has(number: number): boolean {
		return this.readers.every(({ last, handle }) => last === number && handle.status === 'open')
	}

	/** Compares what the handles say with what there is. */
	look(): void {
		const members = this.readers.filter(({ isUp }) => isUp)
		const [first] = members
		const { inFlight, heardAt } = this.wire
		if (members.some(({ handle }) => handle.status !== first!.handle.status))
			this.violated(`two states of one link: ${members.map(({ handle }) => handle.status)}`)
		const status = first?.handle.status ?? 'idle'
		const isUp = status === 'connecting' || status === 'open'
		if (inFlight !== (isUp && this.wire.requests > 0 ? 1 : 0)) {
			// Between the decision to ask and the request lie the functions that make headers.
			if (!(status === 'connecting' && inFlight === 0))
				this.violated(`${status}, with ${inFlight} requests under way`)
		}
		if (this.timers.peak > 1) this.violated(`${this.timers.peak} timers`)
		if (!first) return
		const { error, retryAt, attempt } = first.handle
		if (status === 'open' && (error || retryAt || attempt))
			this.violated(`open, with ${error?.code} ${+(retryAt ?? 0)} ${attempt}`)
		if (status === 'open' && this.wire.bodies === 0) this.violated('open, and nothing is read')
		if (status === 'reconnecting' && !retryAt) this.violated('reconnecting, nobody knows when')
		if (status === 'reconnecting' && attempt === 0) this.violated('reconnecting without a loss')
		const silence = performance.now() - heardAt
		const isDead = status === 'open' && silence > this.#clock.real(2.5 * ping) + slack
		this.#stale = isDead ? this.#stale + 1 : 0
		if (this.#stale > 5) this.violated(`open after ${silence} ms without a byte`)
	}

	/** Leaves, and checks that nothing stays behind. */
	close(): void {
		this.look()
		for (const reader of this.readers) {
			this.do(() => {
				reader.unread()
				reader.handle.close()
			})
		}
		clearInterval(this.#looking)
		if (this.wire.inFlight > 0) this.violated(`${this.wire.inFlight} requests are left`)
		if (this.timers.pending.size > 0) this.violated(`${this.timers.pending.size} timers are left`)
	}

	note(what: string): void {
		this.log.push(`${(performance.now() - this.#startedAt).toFixed()} ${what}`)
	}

	violated(what: string): void {
		this.note(`!!! ${what}`)
		if (this.violations.length < 5) this.violations.push(what)
	}
}
