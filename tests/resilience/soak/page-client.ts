import type { SseConnection } from '../../../src/lib/connection.svelte.js'
import type { SourceEvent } from '../../../src/lib/source/options.js'
import { source } from '../../../src/lib/source/source.js'
import { Client, type Act } from './client.js'
import type { FastClock } from './fast-clock.js'
import { textOf } from './numbers.js'

/** One handle on the stream, which checks what it hears. */
class Reader {
	last: number | undefined
	gaps = 0
	received = 0
	readonly handle: SseConnection
	#isGapTold = false
	#client: PageClient
	#name: string
	#release: (() => void) | undefined

	constructor(name: string, client: PageClient, url: string) {
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
export class PageClient extends Client {
	readonly costly = ['join', 'leave', 'close']
	readonly acts: Record<string, Act> = {
		connect: () => {
			for (let times = 0; times < 5; times++)
				for (const { handle, isReading } of this.#readers)
					if (isReading) this.do(() => handle.connect())
		},
		close: (random) => {
			const { handle } = random.pick(this.#readers)
			this.do(() => handle.close())
		},
		join: (random) => {
			const reader = random.pick(this.#readers)
			this.do(() => reader.read())
			return () => this.do(() => reader.unread())
		},
		leave: (random) => {
			const reader = random.pick(this.#readers)
			this.do(() => reader.unread())
			return () => this.do(() => reader.read())
		},
		headers: this.failHeaders
	}
	readonly #readers: [Reader, Reader]

	constructor(clock: FastClock, url: string) {
		super(clock)
		this.#readers = [new Reader('A', this, url), new Reader('B', this, url)]
	}

	get received(): number {
		return this.#readers[0].received + this.#readers[1].received
	}

	get gaps(): number {
		return this.#readers[0].gaps + this.#readers[1].gaps
	}

	get stand(): string {
		return this.#readers.map(({ last, handle }) => `${handle.status} at ${last}`).join()
	}

	begin(): void {
		this.#readers[0].read()
	}

	reopen(): void {
		for (const reader of this.#readers) {
			reader.read()
			if (reader.handle.status === 'closed') reader.handle.connect()
		}
	}

	has(number: number): boolean {
		return this.#readers.every(({ last, handle }) => last === number && handle.status === 'open')
	}

	lacks(number: number): boolean {
		return this.#readers.some(({ last, handle }) => handle.status === 'open' && last !== number)
	}

	/** Compares what the handles say with what there is. */
	look(): void {
		const members = this.#readers.filter(({ isUp }) => isUp)
		const [first] = members
		const { inFlight, heardAt, requests, bodies } = this.wire
		if (members.some(({ handle }) => handle.status !== first!.handle.status))
			this.violated(`two states of one link: ${members.map(({ handle }) => handle.status)}`)
		const { status = 'idle', error, retryAt, attempt } = first?.handle ?? {}
		// While an attempt is under way nobody says when the next one is due.
		const isTrying = status === 'connecting' || (status === 'reconnecting' && !retryAt)
		// Between the decision to ask and the request lie the functions that make headers.
		const isExpected =
			status === 'open' ? inFlight === 1 : isTrying ? inFlight <= 1 : inFlight === 0
		if (!isExpected && requests > 0) this.violated(`${status}, with ${inFlight} requests under way`)
		if (this.timers.peak > 1) this.violated(`${this.timers.peak} timers`)
		if (status === 'open' && (error || retryAt || attempt))
			this.violated(`open, with ${error?.code} ${+(retryAt ?? 0)} ${attempt}`)
		if (status === 'open' && bodies === 0) this.violated('open, and nothing is read')
		this.lookForSilence(status === 'open', heardAt)
	}

	leave(): void {
		for (const reader of this.#readers) {
			reader.unread()
			reader.handle.close()
		}
	}
}
