import { afterAll, beforeAll, expect, test } from 'vitest'
import { environment } from '../../src/lib/environment.js'
import { liveLinks } from '../../src/lib/link/lifecycle.js'
import { openStreams } from '../../src/lib/produce/drain.js'
import { seedFromEnvironment } from '../support/random.js'
import { FastClock } from './soak/fast-clock.js'
import { runSequence, type Outcome } from './soak/sequence.js'

/** Milliseconds for which new sequences are begun. */
const duration = Number(process.env.SOAK ?? 45) * 1_000
/** Sequences at a time. */
const lanes = 24
/** So many of the library's seconds are one second of ours. */
const speed = 25

const clock = new FastClock(speed)
let restore: () => void

beforeAll(() => {
	environment.isClient = true
	restore = clock.install()
})

afterAll(() => {
	restore()
	environment.isClient = false
})

test(
	'whatever fails, every number comes once and in order, or a gap is told',
	// A seed that fails must not be forgotten for another one that passes.
	{ timeout: duration + 240_000, retry: 0 },
	async () => {
		const seed = seedFromEnvironment()
		console.log(`soak: SEED=${seed}`)
		const sum = { sequences: 0, faults: 0, requests: 0, received: 0, gaps: 0 }
		const failures: unknown[] = []
		const until = performance.now() + duration
		let next = seed
		const lane = async () => {
			// The first sequence of a run has the seed itself, so that any of them can be replayed.
			do {
				const outcome = await runSequence(next++ >>> 0, clock)
				sum.sequences++
				for (const key of Object.keys(outcome) as (keyof Outcome)[]) sum[key] += outcome[key]
			} while (performance.now() < until && failures.length === 0)
		}
		await Promise.all(Array.from({ length: lanes }, () => lane().catch((e) => failures.push(e))))
		console.log(`soak: ${JSON.stringify(sum)}`)
		if (failures.length > 0) throw failures[0]
		expect(sum.received).toBeGreaterThan(sum.sequences)
		expect({ links: liveLinks(), streams: openStreams() }).toEqual({ links: 0, streams: 0 })
		expect(clock.all.pending.size).toBe(0)
	}
)
