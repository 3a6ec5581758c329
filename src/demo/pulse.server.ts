import { monitorEventLoopDelay } from 'node:perf_hooks'

/** How this server is doing. */
export interface Sample {
	/** Milliseconds since the epoch. */
	at: number
	/** Percent of one processor. */
	cpu: number
	/** Megabytes of heap in use. */
	heap: number
	/** Milliseconds that the event loop was late at most. */
	delay: number
}

const interval = 200
const recent: Sample[] = []
const followers = new Set<(sample: Sample) => void>()
const delays = monitorEventLoopDelay({ resolution: 10 })
let timer: ReturnType<typeof setInterval> | undefined

/**
 * Calls someone five times a second. It is measured once, however many follow, and not at all when nobody does.
 *
 * @returns what ends it
 */
export function followPulse(follower: (sample: Sample) => void): () => void {
	followers.add(follower)
	if (followers.size === 1) start()
	return function leave() {
		followers.delete(follower)
		if (followers.size === 0) stop()
	}
}

/** The last samples, for those who come later. */
export function recentPulse(): readonly Sample[] {
	return recent
}

function start(): void {
	let before = process.cpuUsage()
	let beforeAt = performance.now()
	delays.reset()
	delays.enable()
	timer = setInterval(() => {
		const used = process.cpuUsage(before)
		const now = performance.now()
		const sample: Sample = {
			at: Date.now(),
			cpu: round((used.user + used.system) / 10 / (now - beforeAt)),
			heap: round(process.memoryUsage().heapUsed / 2 ** 20),
			delay: round(Math.max(0, delays.max / 1e6 - 10))
		}
		before = process.cpuUsage()
		beforeAt = now
		delays.reset()
		recent.push(sample)
		if (recent.length > 150) recent.shift()
		for (const follower of followers) follower(sample)
	}, interval)
}

function stop(): void {
	clearInterval(timer)
	delays.disable()
	// After a pause they would be old.
	recent.length = 0
}

function round(value: number): number {
	return Math.round(value * 10) / 10
}
