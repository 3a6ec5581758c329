/** The one seam through which the library reads time and sets timers, so that a test can drive both. */
export interface Clock {
	/** Milliseconds since some fixed moment; never goes back. */
	now(): number
	/** The time of day, for what users see. */
	date(): Date
	/** Calls `run` once, after `delay` milliseconds. The timer never keeps a process alive. */
	setTimeout(run: () => void, delay: number): Timer
	clearTimeout(timer: Timer | undefined): void
}

export type Timer = unknown

/** The longest delay that timers take; a longer one would fire at once. */
export const longestDelay = 2_147_483_647

export const clock: Clock = {
	now: () => performance.now(),
	date: () => new Date(),
	setTimeout(run, delay) {
		const timer = setTimeout(run, Math.min(delay, longestDelay)) as unknown as { unref?(): void }
		// In Node a timer is an object; unref it, or an idle stream would hold up the process's end.
		timer.unref?.()
		return timer
	},
	clearTimeout: (timer) => clearTimeout(timer as number)
}

/** Keeps a process of Node's alive, which the timers of the clock do not; returns what ends that. */
export function stayAlive(): () => void {
	const timer = setInterval(() => {}, longestDelay)
	return () => clearInterval(timer)
}

/** Puts another clock in place of the system's; returns a function that puts the old one back. */
export function useClock(replacement: Clock): () => void {
	const before = { ...clock }
	clock.now = () => replacement.now()
	clock.date = () => replacement.date()
	clock.setTimeout = (run, delay) => replacement.setTimeout(run, delay)
	clock.clearTimeout = (timer) => replacement.clearTimeout(timer)
	return () => void Object.assign(clock, before)
}
