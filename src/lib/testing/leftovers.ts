import { openLoops } from '../hub/subscription.js'
import { liveLinks } from '../link/lifecycle.js'
import { openStreams } from '../produce/drain.js'
import { flushPromises } from './flush-promises.js'

/** Counts one kind of thing that a test may leave open. */
class Count {
	readonly #counters = new Set<() => number>()

	/** @returns what takes it off again */
	add(counter: () => number): () => void {
		this.#counters.add(counter)
		return () => void this.#counters.delete(counter)
	}

	get sum(): number {
		return [...this.#counters].reduce((sum, count) => sum + count(), 0)
	}
}

export const pendingTimers = new Count()
export const openRequests = new Count()

/** What of the library is open in this process. */
export interface Leftovers {
	/** Connections of `source()` that are up, or will be by themselves. */
	connections: number
	/** Streams of `produce()` and of hubs. */
	streams: number
	/** Loops over `hub.subscribe()`. */
	loops: number
	/** Requests of a `memoryFetch` whose response has not ended. */
	requests: number
	/** Timers of a `manualClock`; with the clock of the system they are not counted. */
	timers: number
}

/**
 * Counts what of the library is open, once everything that needs no time has happened.
 *
 * @example
 * ```ts
 * import { leftovers } from 'sveltekit-sse/testing'
 *
 * const { connections, streams } = await leftovers()
 * ```
 */
export async function leftovers(): Promise<Leftovers> {
	await flushPromises()
	return {
		connections: liveLinks(),
		streams: openStreams(),
		loops: openLoops(),
		requests: openRequests.sum,
		timers: pendingTimers.sum
	}
}

const remedies: Record<keyof Leftovers, string> = {
	connections: 'unmount what reads them or close() them, and let their linger (100 ms) pass',
	streams: 'end them, or cancel the bodies of their responses',
	loops: 'leave them, abort their signals, or close the hub',
	requests: 'close what made them, or call drop()',
	timers: 'advance() the clock, or end what set them'
}

/**
 * Throws if a test has left something of the library open, and says what.
 *
 * @example
 * ```ts
 * import { assertNothingOpen } from 'sveltekit-sse/testing'
 * import { afterEach } from 'vitest'
 *
 * afterEach(assertNothingOpen)
 * ```
 */
export async function assertNothingOpen(): Promise<void> {
	const open = await leftovers()
	const found = (Object.keys(remedies) as (keyof Leftovers)[])
		.filter((kind) => open[kind] > 0)
		.map((kind) => `${open[kind]} ${kind} (${remedies[kind]})`)
	if (found.length > 0) throw new Error(`Still open: ${found.join(', ')}.`)
}
