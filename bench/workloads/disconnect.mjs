import { setTimeout as sleep } from 'node:timers/promises'
import { Pair } from '../pair.mjs'
import { quantile } from '../stats.mjs'

/** @import { Options, Table } from '../types.js' */

const everyone = [
	'ours',
	'hub',
	'raw',
	'bare',
	'iterable',
	'sveltekit-sse-0.14',
	'better-sse-node',
	'better-sse-fetch',
	'hono',
	'query-live'
]
const shape = { size: 64, events: 1, ticks: 1 }
/** Milliseconds after which a disconnect counts as missed. */
const patience = 1_000
const ways = { end: 'FIN', reset: 'RST', destroy: 'destroy' }

/** From a client's disappearance to the producer's stop. */
export const disconnect = {
	name: 'disconnect',
	/** @param {Options} options @returns {Promise<Table>} */
	async run({ only, quick }) {
		const rows = []
		for (const name of everyone.filter(only)) {
			/** @type {number[]} */
			const times = []
			let missed = 0
			const pair = new Pair(name)
			try {
				for (const way of Object.keys(ways)) {
					for (const when of ['idle', 'event']) {
						const result = await measure(pair, way, when, quick ? 20 : 50)
						times.push(...result.times)
						missed += result.missed
					}
				}
			} finally {
				await pair.stop()
			}
			rows.push({
				name,
				values: times.length > 0 ? [quantile(times, 0.99)] : [],
				more: { median: [quantile(times, 0.5)], slowest: [Math.max(...times)], missed: [missed] }
			})
		}
		return {
			name: 'disconnect',
			title: 'From disconnect to stop',
			text:
				"Milliseconds from the client's end of its connection, by FIN, RST or destroy, idle or right after an event, until " +
				'the producer is told; the 99th percentile. `missed`: not told within a second.',
			unit: 'ms',
			better: 'less',
			targets: [
				{ against: undefined, atMost: 50 },
				{ against: undefined, of: 'missed', atMost: 0 }
			],
			rows
		}
	}
}

/** @param {Pair} pair @param {string} way @param {string} when @param {number} count */
async function measure(pair, way, when, count) {
	// Those that never stop are still there.
	const before = await pair.server.call('count')
	await pair.open(shape, count)
	await sleep(50)
	if (when === 'event') await pair.server.call('tick')
	/** @type {[number, bigint][]} */
	const left = await pair.client.call('leave', way)
	const deadline = performance.now() + patience
	while ((await pair.server.call('count')) > before && performance.now() < deadline) await sleep(20)
	const stops = new Map(await pair.server.call('stops'))
	const times = left.flatMap(([number, at]) => {
		const stop = stops.get(number)
		return stop === undefined ? [] : [Number(stop - at) / 1_000_000]
	})
	return { times, missed: count - times.length }
}
