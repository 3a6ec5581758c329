import { Pair } from '../pair.mjs'

/** @import { Options, Table } from '../types.js' */

const everyone = ['ours', 'bare', 'sveltekit-sse-0.14', 'better-sse-node', 'better-sse-fetch']
const shape = { size: 10_000, events: 16, ticks: 1 }
const total = 50_000_000

/** What a client costs that has stopped reading. */
export const slowReader = {
	name: 'slow-reader',
	/** @param {Options} options @returns {Promise<Table>} */
	async run({ quick, only }) {
		/** @type {Map<string, number[]>} */
		const results = new Map(everyone.filter(only).map((name) => [name, []]))
		for (let repeat = 0; repeat < (quick ? 1 : 3); repeat++) {
			for (const [name, values] of results) values.push(await measure(name))
		}
		return {
			name: 'slow-reader',
			title: '50 MB to a client that does not read',
			text:
				"The most that the server's process held beyond what it held before, heap and buffers. This library's " +
				'`maxBuffer` is 16 MiB by default; then the stream ends. Hono and query.live wait for the client instead.',
			unit: 'MB',
			better: 'less',
			targets: [{ against: undefined, atMost: 16.8 + 2 }],
			rows: [...results].map(([name, values]) => ({ name, values }))
		}
	}
}

/** @param {string} name */
async function measure(name) {
	const pair = new Pair(name)
	try {
		await pair.open(shape, 1)
		await pair.client.call('pause')
		const { most } = await pair.server.call('flood', total)
		return most / 1_000_000
	} finally {
		await pair.stop()
	}
}
