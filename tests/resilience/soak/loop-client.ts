import { setTimeout as pause } from 'node:timers/promises'
import type { SseError } from '../../../src/lib/errors.js'
import type { Reason } from '../../../src/lib/link/types.js'
import { read, type EventStream } from '../../../src/lib/read/index.js'
import { Client, type Act } from './client.js'
import type { FastClock } from './fast-clock.js'
import { textOf } from './numbers.js'

/** The reasons for which a loop may throw this code. */
const reasonsOf: Record<string, Reason> = { denied: 'denied', response: 'refused' }

/** A loop over the stream. Whoever left it begins another where it was. */
export class LoopClient extends Client {
	received = 0
	gaps = 0
	/** All that was taken can be resumed. */
	readonly costly = []
	readonly acts: Record<string, Act> = {
		leave: () => {
			this.do(() => this.leave())
			return () => this.do(() => this.begin())
		},
		abort: () => {
			this.#leaving.abort()
			return () => this.do(() => this.begin())
		},
		slow: (random) => {
			this.#work = random.int(1, 60)
			return () => (this.#work = 0)
		},
		headers: this.failHeaders
	}
	readonly #url: string
	/** The loop that goes on. */
	#stream: EventStream | undefined
	#leaving = new AbortController()
	/** Milliseconds that the loop needs for an event. */
	#work = 0
	#last: number | undefined
	#lastEventId: string | undefined
	#isGapTold = false
	/** When the loop asked for more. */
	#askedAt = 0

	constructor(clock: FastClock, url: string) {
		super(clock)
		this.#url = url
	}

	get stand(): string {
		return `${this.#stream ? 'reading' : 'over'} at ${this.#last}`
	}

	begin(): void {
		if (this.#stream) return
		this.#leaving = new AbortController()
		const stream = read(this.#url, {
			fetch: this.wire.fetch,
			headers: this.headers,
			lastEventId: this.#lastEventId,
			signal: this.#leaving.signal,
			gap: () => this.#gap(),
			open: ({ resumed }) => this.note(`open, ${resumed ? '' : 'not '}resumed`),
			error: ({ code, message }) => this.note(`${code}: ${message}`)
		})
		this.#stream = stream
		void this.#loop(stream)
	}

	reopen(): void {
		this.begin()
	}

	has(number: number): boolean {
		return this.#last === number && this.wire.bodies > 0
	}

	lacks(number: number): boolean {
		return this.#last !== number && this.wire.bodies > 0
	}

	look(): void {
		const { inFlight, bodies, heardAt } = this.wire
		const timers = this.timers.pending.size
		if (this.timers.peak > 1) this.violated(`${this.timers.peak} timers`)
		if (!this.#stream && inFlight + timers > 0)
			this.violated(`over, with ${inFlight} requests and ${timers} timers`)
		// While the loop works, the silence is its own.
		const since = this.#askedAt ? Math.max(heardAt, this.#askedAt) : performance.now()
		this.lookForSilence(bodies > 0, since)
	}

	leave(): void {
		const stream = this.#stream
		this.#stream = undefined
		void stream?.return()
	}

	async #loop(stream: EventStream): Promise<void> {
		const { signal } = this.#leaving
		try {
			this.#askedAt = performance.now()
			for await (const { name, data, id } of stream) {
				this.#askedAt = 0
				if (stream !== this.#stream) this.violated('an event came after the loop was left')
				if (name === 'number') this.#number(data)
				else this.#gap()
				this.#lastEventId = id ?? this.#lastEventId
				if (this.#work > 0) await pause(this.#work)
				if (stream !== this.#stream) return
				this.#askedAt = performance.now()
			}
			this.#over(stream, undefined)
		} catch (thrown) {
			const { code } = thrown as SseError
			if (code !== 'aborted' || !signal.aborted) this.#over(stream, thrown as SseError)
			else if (stream === this.#stream) this.#stream = undefined
		}
	}

	#over(stream: EventStream, error: SseError | undefined): void {
		if (stream !== this.#stream) return
		this.#stream = undefined
		this.note(`over: ${error?.message ?? 'in order'}`)
		const isExpected = error
			? this.finals.has(reasonsOf[error.code]!)
			: this.finals.has('done') || this.finals.has('no-content')
		if (!isExpected)
			this.violated(`over for a reason that nobody gave: ${error?.stack ?? 'in order'}`)
	}

	#number(text: string): void {
		const number = parseInt(text)
		this.received++
		this.note(`${number}`)
		if (text !== textOf(number)) this.violated(`${number} came damaged: ${text}`)
		const last = this.#last
		if (last !== undefined && number <= last) this.violated(`${number} came after ${last}`)
		const isNext = last === undefined || number === last + 1 || this.#isGapTold
		if (!isNext) this.violated(`${number} came after ${last}, and no gap was told`)
		this.#last = number
		this.#isGapTold = false
	}

	#gap(): void {
		this.note('gap')
		this.gaps++
		this.#isGapTold = true
	}
}
