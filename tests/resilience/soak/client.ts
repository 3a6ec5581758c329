import type { Reason } from '../../../src/lib/link/types.js'
import type { Random } from '../../support/random.js'
import { Timers, type FastClock } from './fast-clock.js'
import { ping } from './numbers.js'
import { Wire } from './wire.js'

/** Milliseconds of real time by which a busy machine may be late. */
const slack = 1_500

/** Does one thing as the user; what it returns undoes it after a while. */
export type Act = (random: Random) => (() => unknown) | void

/** Whoever reads the stream: checks what it hears, and that nothing but one request and one timer stands behind it. */
export abstract class Client {
	readonly timers = new Timers()
	readonly wire = new Wire((what) => this.violated(what))
	/** The reasons for which the connection may have closed for good. */
	readonly finals = new Set<Reason>()
	/** Whether the user does something right now. */
	isActing = false
	readonly log: string[] = []
	readonly violations: string[] = []
	/** What a user does, by its name. */
	abstract readonly acts: Record<string, Act>
	/** The names of those that may cost numbers. */
	abstract readonly costly: readonly string[]
	/** Numbers that came, and gaps that were told. */
	abstract readonly received: number
	abstract readonly gaps: number
	/** How far it has come, for messages. */
	abstract readonly stand: string
	readonly #clock: FastClock
	readonly #startedAt = performance.now()
	readonly #looking = setInterval(() => this.look(), 5)
	/** How many more times the headers cannot be made. */
	#failingHeaders = 0
	/** How often in a row the stream was found dead, yet open. */
	#stale = 0

	constructor(clock: FastClock) {
		this.#clock = clock
	}

	/** Begins to read. */
	abstract begin(): void
	/** Opens what was closed for good: nobody but the user does. */
	abstract reopen(): void
	/** Whether everything up to this number has come, over an open connection. */
	abstract has(number: number): boolean
	/** Whether somebody is connected, and does not have this number. */
	abstract lacks(number: number): boolean
	/** Compares what is said with what there is. */
	abstract look(): void
	/** Reads no more. */
	abstract leave(): void

	readonly headers = async (): Promise<HeadersInit> => {
		if (this.#failingHeaders-- > 0) throw new Error('no token')
		return { authorization: 'yes' }
	}

	protected readonly failHeaders: Act = (random) => {
		this.#failingHeaders = random.int(1, 3)
	}

	/** Does something as the user; the timers that follow from it are this client's. */
	do(run: () => void): void {
		this.isActing = true
		this.#clock.as(this.timers, run)
		this.isActing = false
	}

	/** Leaves, and checks that nothing stays behind. */
	close(): void {
		this.look()
		this.do(() => this.leave())
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

	/**
	 * Whoever hears nothing for too long has to notice.
	 *
	 * @param isOpen whether the connection is open
	 * @param since when it was heard for the last time
	 */
	protected lookForSilence(isOpen: boolean, since: number): void {
		const silence = performance.now() - since
		const isDead = isOpen && silence > this.#clock.real(2.5 * ping) + slack
		this.#stale = isDead ? this.#stale + 1 : 0
		if (this.#stale > 5) this.violated(`open after ${silence} ms without a byte`)
	}
}
