import { expect } from 'vitest'
import { fc, seed } from '../../support/check.js'
import { Random } from '../../support/random.js'
import { test } from '../link/fixture.js'
import { commands } from './model/commands.js'
import { allParts, World } from './model/world.js'

const numRuns = 200

// A failure prints its seed and the shortest story that fails; run it again with `SEED=<seed>`.
test(`whatever happens, connections keep their promises (SEED=${seed})`, async ({ chance }) => {
	let requests = 0
	await fc.assert(
		fc.asyncProperty(
			fc.commands(commands, { maxCommands: 80, size: 'max' }),
			fc.record({
				cast: fc.shuffledSubarray(allParts, { minLength: 1, maxLength: 2 }),
				linger: fc.constantFrom(0, 97),
				startsHidden: fc.constantFrom(false, false, true)
			}),
			fc.nat(),
			async (story, beginning, luck) => {
				const random = new Random(luck)
				// A wait of less than a millisecond would be over in the step that began it.
				const get = () => 0.01 + 0.98 * random.next()
				Object.defineProperty(chance, 'value', { get, configurable: true })
				const world = new World(beginning)
				try {
					await fc.asyncModelRun(() => ({ model: world, real: world }), story)
				} finally {
					requests += world.requests.count
					await world.end()
				}
			}
		),
		{ numRuns }
	)
	// Stories in which nothing connects would prove nothing. Most seeds make many times as many; none comes near.
	expect(requests).toBeGreaterThan(numRuns)
}, 60_000)
