import { describe, expect, test } from 'vitest'
import { Hub, memory } from '../../../src/lib/hub/index.js'
import { giveWay } from '../../../src/lib/parts/give-way.js'
import { fc } from '../../support/check.js'
import { readLog, type Log } from './reading.js'

// Whatever is published, trimmed, connected and disconnected in whichever order: a client that resumes sees every event
// of its topic once and in order, or is told of a gap before the first that comes after a hole. One whose stream is ended
// has all that was published before.

type Step =
	| { kind: 'publish'; topic: 'a' | 'b'; count: number }
	| { kind: 'connect'; client: number }
	| { kind: 'disconnect'; client: number }
	| { kind: 'expire' }
	| { kind: 'pass'; turns: number }

const step: fc.Arbitrary<Step> = fc.oneof(
	{
		weight: 4,
		arbitrary: fc.record({
			kind: fc.constant('publish' as const),
			topic: fc.constantFrom('a' as const, 'b' as const),
			count: fc.integer({ min: 1, max: 8 })
		})
	},
	{
		weight: 3,
		arbitrary: fc.record({
			kind: fc.constant('connect' as const),
			client: fc.integer({ min: 0, max: 2 })
		})
	},
	fc.record({ kind: fc.constant('disconnect' as const), client: fc.integer({ min: 0, max: 2 }) }),
	fc.constant({ kind: 'expire' as const }),
	fc.record({ kind: fc.constant('pass' as const), turns: fc.integer({ min: 0, max: 12 }) })
)

interface Client {
	log: Log | undefined
	/** What it has seen on all of its connections, gaps included. */
	seen: (number | 'gap')[]
	lastEventId: string | undefined
	/** What it had seen last on each connection that was ended, where there was no gap. */
	ends: (number | undefined)[]
}

function hangUp(client: Client): void {
	if (!client.log) return
	client.seen.push(...client.log.events)
	if (client.log.close === 'expired' && !client.log.events.includes('gap'))
		client.ends.push(client.seen.findLast((item) => item !== 'gap') as number | undefined)
	client.lastEventId = client.log.lastEventId ?? client.lastEventId
	client.log.cancel()
	client.log = undefined
}

async function walk(steps: Step[], ring: number): Promise<void> {
	const hub = new Hub({ broker: memory({ history: { events: 20 } }), history: { events: ring } })
	const start = await hub.cursor()
	const clients: Client[] = Array.from({ length: 3 }, () => ({
		log: undefined,
		seen: [],
		lastEventId: start,
		ends: []
	}))
	let published = 0
	/** How much had been published at each end of the topic. */
	const ends = new Set<number>()
	for (const { kind, ...rest } of steps) {
		const {
			topic,
			count,
			client: index,
			turns
		} = rest as Partial<Record<'count' | 'client' | 'turns', number> & { topic: string }>
		const client = clients[index ?? 0]!
		if (kind === 'publish')
			for (let i = 0; i < count!; i++)
				void hub.publish(topic!, 'n', topic === 'a' ? ++published : 'other')
		else if (kind === 'connect') {
			hangUp(client)
			client.log = readLog(hub, 'a', client.lastEventId)
		} else if (kind === 'disconnect') hangUp(client)
		else if (kind === 'expire') {
			ends.add(published)
			void hub.disconnect('a', 'expired')
		} else for (let i = 0; i < turns!; i++) await Promise.resolve()
	}
	// What was said to the last streams has reached them.
	await giveWay()
	// Everyone comes back and catches up.
	for (const client of clients) {
		hangUp(client)
		client.log = readLog(hub, 'a', client.lastEventId)
		// One that was told of a gap sees what comes from now on, and no more.
		await client.log.until(({ lastEventId }) => lastEventId !== undefined)
	}
	await hub.publish('a', 'n', ++published)
	for (const client of clients) {
		await client.log!.until(({ events }) => events.includes(published))
		hangUp(client)
		expectWhole(client.seen, published)
		for (const seen of client.ends) expect([...ends]).toContain(seen ?? 0)
	}
	await hub.close()
}

/** Every number once and in order from 1 on; a hole only behind a gap. */
function expectWhole(seen: (number | 'gap')[], last: number): void {
	let expected = 1
	let mayMiss = false
	for (const item of seen) {
		if (item === 'gap') {
			mayMiss = true
			continue
		}
		if (mayMiss) expect(item, `after a gap in ${seen.join()}`).toBeGreaterThanOrEqual(expected)
		else expect(item, `in ${seen.join()}`).toBe(expected)
		expected = item + 1
		mayMiss = false
	}
	expect(expected).toBe(last + 1)
}

describe('joining history and live', () => {
	test.for([2, 10, 1_000])(
		'misses nothing and doubles nothing, with %i events at hand',
		{ timeout: 30_000 },
		async (ring) => {
			await fc.assert(
				fc.asyncProperty(fc.array(step, { maxLength: 40 }), (steps) => walk(steps, ring)),
				{ numRuns: 120 }
			)
		}
	)
})
