import { setTimeout as sleep } from 'node:timers/promises'
import { interleave, Pair } from '../pair.mjs'

/** @import { Options, Table } from '../types.js' */

const everyone = [
	'hub',
	'hub again',
	'raw-whole',
	'bare',
	'sveltekit-sse-0.14',
	'better-sse-fetch',
	'hono',
	'query-live'
]
const shape = { size: 64, events: 1_000, ticks: 1 }

/** A crowd that comes back at once, and has missed a thousand events each. */
export const replay = {
	name: 'replay',
	/** @param {Options} options @returns {Promise<Table>} */
	async run({ repeats, only, quick }) {
		const clients = quick ? 100 : 1_000
		const pairs = everyone.filter(only).map((name) => new Pair(name))
		try {
			const rates = await interleave(pairs, Math.min(3, repeats), async (pair) => {
				const time = await pair.resume(shape, clients)
				await pair.client.call('close')
				await sleep(50)
				return (clients * shape.events * 1_000) / time
			})
			return {
				name: 'replay',
				title: `Replay of 1,000 events to ${clients.toLocaleString('en')} clients that resume`,
				text:
					'They connect with a `Last-Event-ID`, 256 at a time at most, until each has all. The hub finds what a client has ' +
					'missed by itself; the others have no past, and are handed the events as soon as the client is there.',
				unit: 'events/s',
				better: 'more',
				ours: 'hub',
				targets: [],
				rows: [...rates].map(([name, values]) => ({ name, values }))
			}
		} finally {
			await Promise.all(pairs.map((pair) => pair.stop()))
		}
	}
}
