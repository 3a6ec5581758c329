import { useClock, type Timer } from '../clock.js'
import { invalid } from '../parts/check.js'
import { flushPromises } from './flush-promises.js'
import { pendingTimers } from './leftovers.js'
import { undoLater } from './restore.js'

interface Waiting {
	at: number
	run: () => void
}

/** Time that moves when the test says so. */
export interface ManualClock extends Disposable {
	/** Milliseconds that have passed since it was made. */
	readonly now: number
	/** The date that it shows. */
	readonly date: Date
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
	/**
	 * Lets the machine sleep: time passes while nothing runs. Timers that fall due meanwhile run late, when it wakes up.
	 *
	 * @param time milliseconds.
	 */
	sleep(time: number): Promise<void>
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
 * import { flushPromises, manualClock, mockSource } from 'sveltekit-sse/testing'
 *
 * using clock = manualClock()
 * const orders = mockSource()
 * orders.connect()
 * await flushPromises()
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
	const manual: ManualClock = {
		get now() {
			return now
		},
		get date() {
			return new Date(+start + now)
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
				throw invalid(
					'The argument of advance()',
					'milliseconds, 0 or more, or a date that is still to come',
					time
				)
			const until = now + duration
			await flushPromises()
			for (let due = first(); due && due[1].at <= until; due = first()) {
				timers.delete(due[0])
				now = Math.max(now, due[1].at)
				due[1].run()
				await flushPromises()
			}
			now = until
		},
		async sleep(time) {
			if (!(time >= 0)) throw invalid('The argument of sleep()', 'milliseconds, 0 or more', time)
			await flushPromises()
			now += Math.ceil(time)
			await manual.advance(0)
		},
		restore,
		[Symbol.dispose]: restore
	}
	return manual
}
