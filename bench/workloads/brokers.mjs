import '../../tests/support/typescript.mjs'
import { Worker } from '../rpc.mjs'
import { median, quantile } from '../stats.mjs'

/** @import { Options, Row, Table } from '../types.js' */

/** @typedef {{ url: string, close(): Promise<void> }} Server */

const { missingTools } = await import('../../tests/support/tools.js')
const { startNats, startPostgres, startRedis } = await import('../../tests/support/servers.js')

/** Each with what it needs: the program, and how it is started. */
const engines = {
	memory: { tools: [], start: async () => ({ url: '', close: async () => {} }) },
	redis: { tools: /** @type {const} */ (['redis-server']), start: () => startRedis() },
	nats: { tools: /** @type {const} */ (['nats-server']), start: () => startNats() },
	postgres: { tools: /** @type {const} */ (['initdb']), start: () => startPostgres() }
}

/** From one process, by way of a broker, to the client of another. */
export const brokers = {
	name: 'brokers',
	/** @param {Options} options @returns {Promise<Table>} */
	async run({ quick, only }) {
		/** @type {Row[]} */
		const rows = []
		/** @type {string[]} */
		const missing = []
		for (const [name, { tools, start }] of Object.entries(engines)) {
			if (!only(name)) continue
			const reason = await missingTools(...tools)
			if (reason) {
				missing.push(reason)
				continue
			}
			const server = await start()
			try {
				rows.push(await measure(name, server, quick))
			} finally {
				await server.close()
			}
		}
		return {
			name: 'brokers',
			title: "From `publish` to another process's client",
			text:
				'Milliseconds from `publish` in one process until a client that streams from another has the event, one at a time: ' +
				'the median; then how many events a second arrive when thousands are published at once. `memory` has one process ' +
				'only. PostgreSQL and Redis run as the tests start them, without waiting for the disk.' +
				(missing.length > 0 ? ` Not measured: ${missing.join('; ')}.` : ''),
			unit: 'ms',
			better: 'less',
			targets: [],
			rows
		}
	}
}

/** @param {string} broker @param {Server} server @param {boolean} quick @returns {Promise<Row>} */
async function measure(broker, { url }, quick) {
	const publisher = new Worker('hub.mjs')
	const other = new Worker('hub.mjs')
	try {
		// One after the other: the first one makes the log.
		const port = await publisher.call('join', { broker, url })
		const otherPort = await other.call('join', { broker, url })
		await publisher.call('read', broker === 'memory' ? port : otherPort)
		await publisher.call('latency', 50)
		const times = await publisher.call('latency', quick ? 200 : 1_000)
		const count = quick ? 1_000 : 5_000
		await publisher.call('flow', count)
		const flows = []
		for (let repeat = 0; repeat < 3; repeat++)
			flows.push((count / (await publisher.call('flow', count))) * 1_000)
		return {
			name: broker,
			isOwn: true,
			values: times,
			more: { 'p99 ms': [quantile(times, 0.99)], 'events/s': [median(flows)] }
		}
	} finally {
		await Promise.all([publisher.stop(), other.stop()])
	}
}
