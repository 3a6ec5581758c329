import { AsyncLocalStorage } from 'node:async_hooks'
import { useClock, type Clock, type Timer } from '../../../src/lib/clock.js'

/** The timers that code of one owner has set. */
export class Timers {
	readonly pending = new Set<NodeJS.Timeout>()
	/** How many were pending at the same time at most. */
	peak = 0

	add(timer: NodeJS.Timeout): void {
		this.pending.add(timer)
		this.peak = Math.max(this.peak, this.pending.size)
	}
}

/**
 * A clock that runs faster than the world's, so that the library's real defaults, half minutes
 * among them, are lived through in a second; and it knows who has set which timers.
 */
export class FastClock implements Clock {
	/** All timers, whoever set them. */
	readonly all = new Timers()
	readonly #owners = new AsyncLocalStorage<Timers>()
	readonly #forget = new WeakMap<NodeJS.Timeout, () => void>()
	readonly #factor: number
	readonly #startedAt = performance.now()
	readonly #date = Date.now()

	constructor(factor: number) {
		this.#factor = factor
	}

	/** Puts it in place of the system's clock; returns a function that puts the old one back. */
	install(): () => void {
		return useClock(this)
	}

	/** Runs something, and whatever follows from it, whose timers are these. */
	as<T>(owner: Timers, run: () => T): T {
		return this.#owners.run(owner, run)
	}

	now(): number {
		return (performance.now() - this.#startedAt) * this.#factor
	}

	/** How many milliseconds of the world these are. */
	real(ms: number): number {
		return ms / this.#factor
	}

	date(): Date {
		return new Date(this.#date + this.now())
	}

	setTimeout(run: () => void, delay: number): Timer {
		const owner = this.#owners.getStore()
		const timer = setTimeout(() => {
			forget()
			run()
		}, this.real(delay))
		const forget = () => {
			this.all.pending.delete(timer)
			owner?.pending.delete(timer)
		}
		timer.unref()
		this.#forget.set(timer, forget)
		this.all.add(timer)
		owner?.add(timer)
		return timer
	}

	clearTimeout(timer: Timer | undefined): void {
		clearTimeout(timer as NodeJS.Timeout)
		if (timer) this.#forget.get(timer as NodeJS.Timeout)?.()
	}
}
