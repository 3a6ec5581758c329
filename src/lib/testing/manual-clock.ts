import { useClock, type Timer } from '../clock.js'
import { SseError } from '../errors.js'
import { settled } from './settle.js'
import { pendingTimers } from './leftovers.js'
import { undoLater } from './tidy.js'

interface Waiting {
	at: number
	run: () => void
}

/** Time that moves when the test says so. */
export interface ManualClock extends Disposable {
	/** Milliseconds that have passed since it was made. */
	readonly now: number
	/** How many timers are set. */
	readonly timers: number
	/** Milliseconds until the next timer is due; undefined if none is set. */
	readonly next: number | undefined
	/**
	 * Lets time pass. Each timer runs at its own moment, and everything that follows from it happens before the next.
	 *
	 * @param time milliseconds, or the date to go on to, such as `connection.retryAt`; its millisecond passes too.
	 */
	advance(time: number | Date): Promise<void>
	/** Gives the library its own clock back. */
	restore(): void
}

/**
 * Puts a clock in place of the library's own that stands still until it is told to go on: heartbeats, reconnects, the
 * watchdog, `linger`, time limits, all wait for it. Other timers of the page are not touched.
 *
 * @param start the date that it shows at first. Default: the first of January 2000, UTC.
 *
 * @example
 * ```ts
 * import { manualClock, mockSource, settled } from 'sveltekit-sse/testing'
 *
 * using clock = manualClock()
 * const orders = mockSource()
 * orders.connect()
 * await settled()
 * await orders.drop()
 * await clock.advance(orders.retryAt!)
 * ```
 */
export function manualClock(start = new Date(Date.UTC(2000, 0))): ManualClock {
	const timers = new Map<Timer, Waiting>()
	let now = 0
	let last = 0
	const first = (): [Timer, Waiting] | undefined =>
		[...timers].reduce<[Timer, Waiting] | undefined>(
			(one, other) => (one && one[1].at <= other[1].at ? one : other),
			undefined
		)
	const giveBack = useClock({
		now: () => now,
		date: () => new Date(+start + now),
		setTimeout(run, delay) {
			// Whole milliseconds, as real timers have them: then dates, which have no parts of one, are exact.
			timers.set(++last, { at: now + Math.ceil(Math.max(0, delay)), run })
			return last
		},
		clearTimeout: (timer) => void timers.delete(timer)
	})
	const forget = pendingTimers.add(() => timers.size)
	const restore = undoLater(() => {
		giveBack()
		forget()
		timers.clear()
	})
	return {
		get now() {
			return now
		},
		get timers() {
			return timers.size
		},
		get next() {
			const due = first()
			return due && due[1].at - now
		},
		async advance(time) {
			const duration = typeof time === 'number' ? Math.ceil(time) : +time + 1 - (+start + now)
			if (!(duration >= 0))
				throw new SseError(
					'invalid-argument',
					'advance() takes milliseconds, 0 or more, or a date that is still to come.'
				)
			const until = now + duration
			await settled()
			for (let due = first(); due && due[1].at <= until; due = first()) {
				timers.delete(due[0])
				now = Math.max(now, due[1].at)
				due[1].run()
				await settled()
			}
			now = until
		},
		restore,
		[Symbol.dispose]: restore
	}
}
