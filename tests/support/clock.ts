import { useClock, type Clock, type Timer } from '../../src/lib/clock.js'

interface Waiting {
	at: number
	run: () => void
}

/** Time that moves only when a test says so. */
export class ManualClock implements Clock {
	#now = 0
	#last = 0
	#timers = new Map<Timer, Waiting>()
	#restore: (() => void) | undefined

	now(): number {
		return this.#now
	}

	date(): Date {
		return new Date(this.#now)
	}

	setTimeout(run: () => void, delay: number): Timer {
		const timer = ++this.#last
		this.#timers.set(timer, { at: this.#now + Math.max(0, delay), run })
		return timer
	}

	clearTimeout(timer: Timer | undefined): void {
		this.#timers.delete(timer)
	}

	/** How many timers are set. */
	get timers(): number {
		return this.#timers.size
	}

	/** Milliseconds until the next timer, or undefined when none is set. */
	get next(): number | undefined {
		const first = this.#first()
		return first && first[1].at - this.#now
	}

	/** Moves time on and runs what falls due on the way, each timer at its own moment. */
	async advance(milliseconds: number): Promise<void> {
		const until = this.#now + milliseconds
		await settled()
		for (let first = this.#first(); first && first[1].at <= until; first = this.#first()) {
			const [timer, { at, run }] = first
			this.#timers.delete(timer)
			this.#now = Math.max(this.#now, at)
			run()
			await settled()
		}
		this.#now = until
	}

	/** A machine that sleeps: time moves on, and what fell due meanwhile runs late, when it wakes up. */
	async sleep(milliseconds: number): Promise<void> {
		await settled()
		this.#now += milliseconds
		await this.advance(0)
	}

	/** Becomes the clock of the library. */
	install(): this {
		this.#restore = useClock(this)
		return this
	}

	/** Gives the library its own clock back. */
	uninstall(): void {
		this.#restore?.()
		this.#restore = undefined
	}

	[Symbol.dispose](): void {
		this.uninstall()
	}

	/** The timer that is due first; of several, the one that was set first. */
	#first(): [Timer, Waiting] | undefined {
		let first: [Timer, Waiting] | undefined
		for (const entry of this.#timers) if (!first || entry[1].at < first[1].at) first = entry
		return first
	}
}

/** Resolves when everything that waits only for promises has run. */
export function settled(): Promise<void> {
	return new Promise((resolve) => setImmediate(resolve))
}
