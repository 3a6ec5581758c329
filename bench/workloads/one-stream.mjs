import { interleave, Pair } from '../pair.mjs'

/** @import { Options, Table } from '../types.js' */

const everyone = [
	'ours',
	'ours again',
	'raw-whole',
	'raw-text',
	'raw',
	'bare',
	'sveltekit-sse-0.14',
	'better-sse-node',
	'better-sse-fetch',
	'hono',
	'query-live'
]

/** @param {number} count @param {number} size */
function of(count, size) {
	return `${count.toLocaleString('en')} event${count > 1 ? 's' : ''} of ${size.toLocaleString('en')} characters`
}

const workloads = {
	bursts: {
		title: 'One stream, bursts of 1,000 small events',
		shape: { size: 64, events: 1_000, ticks: 20 },
		targets: [
			{ against: 'raw-whole', atLeast: 0.85 },
			{ against: 'sveltekit-sse-0.14', atLeast: 25 }
		]
	},
	ticks: {
		title: 'One stream, ticks of 64 small events',
		shape: { size: 64, events: 64, ticks: 300 },
		targets: [
			{ against: 'raw-whole', atLeast: 0.8 },
			{ against: 'sveltekit-sse-0.14', atLeast: 8 }
		]
	},
	single: {
		title: 'One stream, small events one at a time',
		shape: { size: 64, events: 1, ticks: 2_000 },
		targets: [{ against: 'raw', atLeast: 0.85 }]
	},
	large: {
		title: 'One stream, ticks of 64 large events',
		shape: { size: 10_000, events: 64, ticks: 4 },
		targets: [{ against: 'bare', atLeast: 1.3 }]
	}
}

/** One client that reads as fast as it can. */
export const oneStream = Object.entries(workloads).map(([name, { title, shape, targets }]) => ({
	name,
	/** @param {Options} options @returns {Promise<Table>} */
	async run({ repeats, time, only }) {
		const pairs = everyone.filter(only).map((name) => new Pair(name))
		try {
			for (const pair of pairs) await pair.open(shape, 1)
			const flows = await interleave(pairs, repeats, (pair) => pair.measure(shape, time))
			return {
				name,
				title,
				text: `The producer emits ${of(shape.events, shape.size)}, gives way to the event loop, and so on.`,
				unit: 'events/s',
				better: 'more',
				targets,
				rows: [...flows].map(([name, flows]) => ({
					name,
					values: flows.map(({ rate }) => rate),
					costs: flows.map(({ cpu }) => cpu),
					more: { 'bytes per event': flows.map(({ bytes }) => bytes) }
				}))
			}
		} finally {
			await Promise.all(pairs.map((pair) => pair.stop()))
		}
	}
}))
