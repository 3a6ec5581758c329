import { setTimeout as sleep } from 'node:timers/promises'
import { interleave, Pair } from '../pair.mjs'

/** @import { Options, Table } from '../types.js' */

const everyone = [
	'ours',
	'ours again',
	'hub',
	'raw',
	'bare',
	'sveltekit-sse-0.14',
	'better-sse-fetch',
	'hono',
	'query-live'
]
const shape = { size: 64, events: 1, ticks: 1 }

/** How fast connections are taken. */
export const accept = {
	name: 'accept',
	/** @param {Options} options @returns {Promise<Table>} */
	async run({ repeats, only, quick }) {
		const connections = quick ? 200 : 500
		const pairs = everyone.filter(only).map((name) => new Pair(name))
		try {
			const rates = await interleave(pairs, Math.min(5, repeats), async (pair) => {
				const time = await pair.open(shape, connections)
				await pair.client.call('close')
				await sleep(100)
				return (connections / time) * 1_000
			})
			return {
				name: 'accept',
				title: 'Accept rate',
				text: `${connections} clients connect, 256 at a time at most, until each has its headers and first bytes.`,
				unit: 'connections/s',
				better: 'more',
				targets: [],
				rows: [...rates].map(([name, values]) => ({ name, values }))
			}
		} finally {
			await Promise.all(pairs.map((pair) => pair.stop()))
		}
	}
}
