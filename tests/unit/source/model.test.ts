import { expect } from 'vitest'
import { fc, seed } from '../../support/check.js'
import { Random } from '../../support/random.js'
import { test } from '../link/fixture.js'
import { commands } from './model/commands.js'
import { World } from './model/world.js'

const numRuns = 150

// A failure prints its seed and the shortest story that fails; run it again with `SEED=<seed>`.
test(`whatever happens, a connection keeps its promises (SEED=${seed})`, async ({ chance }) => {
	let requests = 0
	await fc.assert(
		fc.asyncProperty(
			fc.commands(commands, { maxCommands: 80, size: 'max' }),
			fc.constantFrom(0, 100),
			fc.nat(),
			async (story, linger, luck) => {
				const random = new Random(luck)
				Object.defineProperty(chance, 'value', { get: random.next, configurable: true })
				const world = new World(linger)
				try {
					await fc.asyncModelRun(() => ({ model: {}, real: world }), story)
				} finally {
					requests += world.requests.count
					await world.end()
				}
			}
		),
		{ numRuns }
	)
	// Stories in which nothing connects would prove nothing. Most seeds make five times as many; none comes near.
	expect(requests).toBeGreaterThan(numRuns)
}, 60_000)
