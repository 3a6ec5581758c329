import { interleave, Pair } from '../pair.mjs'
import { median, quantile } from '../stats.mjs'

/** @import { Options, Table } from '../types.js' */

const everyone = [
	'hub',
	'hub again',
	'ours',
	'raw',
	'raw-whole',
	'bare',
	'sveltekit-sse-0.14',
	'better-sse-node',
	'better-sse-channel',
	'hono',
	'query-live'
]
/** With very many connections only those that the target names. */
const few = ['hub', 'raw', 'sveltekit-sse-0.14', 'better-sse-channel']

const workloads = [
	{ name: 'fan-out-100', connections: 100, events: 1, quick: false },
	{ name: 'fan-out-1000', connections: 1_000, events: 1, quick: true },
	{ name: 'fan-out-5000', connections: 5_000, events: 1, quick: false },
	{ name: 'fan-out-10000', connections: 10_000, events: 1, quick: false },
	{ name: 'fan-out-10-events', connections: 1_000, events: 10, quick: true }
]

/** One producer, many clients. */
export const fanOut = workloads.map(({ name, connections, events, quick }) => ({
	name,
	quick,
	/** @param {Options} options @returns {Promise<Table>} */
	async run({ repeats, time, only }) {
		const shape = { size: 64, events, ticks: 1 }
		const isHuge = connections > 1_000
		const names = (isHuge ? few : everyone).filter(only)
		/** @type {Map<string, Awaited<ReturnType<typeof measure>>[]>} */
		let results = new Map()
		const measure = (/** @type {Pair} */ pair) =>
			deliver(pair, shape, connections > 1_000 ? 1_000 : time)
		if (isHuge) {
			// One after the other: all at once would need more sockets than a process may have.
			for (const name of names) {
				const pair = new Pair(name)
				try {
					await pair.open(shape, connections)
					for (const [name, list] of await interleave([pair], Math.min(5, repeats), measure))
						results.set(name, list)
				} finally {
					await pair.stop()
				}
			}
		} else {
			const pairs = names.map((name) => new Pair(name))
			try {
				for (const pair of pairs) await pair.open(shape, connections)
				results = await interleave(pairs, repeats, measure)
			} finally {
				await Promise.all(pairs.map((pair) => pair.stop()))
			}
		}
		const isTick = events > 1
		return {
			name,
			title: `Fan-out of ${isTick ? `${events} events a tick` : 'one event'} to ${connections.toLocaleString('en')} connections`,
			text:
				'One event to all connections, the next when the one before the last has reached everybody. `p50` and `p99`: ' +
				'milliseconds until a receiver has it; `last`: until all have it; `blocks`: how long sending keeps the event loop.',
			unit: 'deliveries/s',
			better: 'more',
			ours: 'hub',
			targets: isTick
				? [
						{ against: 'raw', atLeast: 1.3 },
						{ against: 'sveltekit-sse-0.14', atLeast: 6 },
						{ against: undefined, of: 'blocks ms', atMost: 0.1 }
					]
				: connections >= 1_000
					? [
							{ against: 'raw', atLeast: 0.75 },
							{ against: 'sveltekit-sse-0.14', atLeast: 1.4 }
						]
					: [],
			rows: [...results].map(([name, list]) => ({
				name,
				values: list.map(({ rate }) => rate),
				costs: list.map(({ cpu }) => cpu),
				more: {
					'p50 ms': list.map(({ p50 }) => p50),
					'p99 ms': list.map(({ p99 }) => p99),
					'last ms': list.map(({ last }) => last),
					'blocks ms': list.map(({ blocked }) => blocked)
				}
			}))
		}
	}
}))

/** @param {Pair} pair @param {import('../pair.mjs').Shape} shape @param {number} time */
async function deliver(pair, shape, time) {
	const { times, ...flow } = await pair.measure(shape, time)
	/** @type {{ round: number, at: bigint }[]} */
	const arrivals = await pair.client.call('arrivals')
	const delays = arrivals.map(({ round, at }) => Number(at - times[round]) / 1_000_000)
	/** @type {number[]} */
	const lasts = []
	arrivals.forEach(({ round }, index) => {
		lasts[round] = Math.max(lasts[round] ?? 0, delays[index] ?? 0)
	})
	return {
		...flow,
		p50: quantile(delays, 0.5),
		p99: quantile(delays, 0.99),
		last: median(lasts)
	}
}
