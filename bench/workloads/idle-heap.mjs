import { setTimeout as sleep } from 'node:timers/promises'
import { Pair } from '../pair.mjs'

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
const connections = 2_000

/** What a connection costs that is open and has nothing to say. */
export const idleHeap = {
	name: 'idle-heap',
	/** @param {Options} options @returns {Promise<Table>} */
	async run({ quick, only }) {
		/** @type {Map<string, number[]>} */
		const results = new Map(everyone.filter(only).map((name) => [name, []]))
		// A heap does not vary much, and every value takes new processes.
		for (let repeat = 0; repeat < (quick ? 1 : 3); repeat++) {
			for (const [name, values] of results) values.push(await measure(name))
		}
		return {
			name: 'idle-heap',
			title: 'Heap per idle connection',
			text: `What the heap of the server has grown by with ${connections.toLocaleString('en')} open connections, each.`,
			unit: 'kB',
			better: 'less',
			targets: [{ against: 'bare', atMost: 1.15 }],
			rows: [...results].map(([name, values]) => ({ name, values }))
		}
	}
}

/** @param {string} name */
async function measure(name) {
	const pair = new Pair(name)
	try {
		// What the first connections bring, such as compiled code, is not counted.
		await pair.open(shape, 200)
		await pair.client.call('close')
		await sleep(300)
		const before = await pair.server.call('held')
		await pair.open(shape, connections)
		await sleep(300)
		const after = await pair.server.call('held')
		return (after.heap - before.heap) / connections / 1_000
	} finally {
		await pair.stop()
	}
}
