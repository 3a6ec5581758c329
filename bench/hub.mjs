// One of two processes that share a hub by way of a broker. Both can publish, and serve the hub's stream by SvelteKit's
// bridge; the one that publishes also reads, so that one clock says when an event left and when it came.

import { get, createServer } from 'node:http'
import { once } from 'node:events'
import { bridged } from './contestants/bridge.mjs'
import { packaged } from './build.mjs'
import { obey } from './rpc.mjs'

/** @import { AddressInfo } from 'node:net' */
/** @import { Hub } from 'sveltekit-sse/hub' */

/** @type {Hub} */
let hub
/** When each event came, by its number. @type {number[]} */
const arrived = []
let awaited = { count: Infinity, resolve: () => {} }

/** @type {Record<string, (url: string) => Promise<unknown>>} */
const brokers = {
	memory: async () => undefined,
	async redis(url) {
		const { createClient } = await import('redis')
		const { redis } = await import(packaged('brokers/redis.js'))
		return redis(await createClient({ url }).connect())
	},
	async postgres(url) {
		const { default: pg } = await import('pg')
		const { postgres } = await import(packaged('brokers/postgres.js'))
		const broker = postgres(new pg.Pool({ connectionString: url }))
		await broker.migrate()
		return broker
	},
	async nats(url) {
		const { connect } = await import('@nats-io/transport-node')
		const { nats } = await import(packaged('brokers/nats.js'))
		return nats(await connect({ servers: url }))
	}
}

/** @param {string} text */
function take(text) {
	const at = performance.now()
	for (const [, number] of text.matchAll(/^data: (\d+)$/gm)) {
		if (Number(number) !== arrived.length) throw new Error(`${number} came as ${arrived.length}`)
		arrived.push(at)
	}
	if (arrived.length >= awaited.count) awaited.resolve()
}

/** Resolves when so many events have come. @param {number} count */
function until(count) {
	return new Promise((resolve) => {
		awaited = { count, resolve: () => resolve(undefined) }
		if (arrived.length >= count) resolve(undefined)
	})
}

obey({
	/** Joins the log; returns the port of the stream. */
	async join(/** @type {{ broker: string, url: string }} */ { broker, url }) {
		const { Hub } = await import(packaged('hub/index.js'))
		hub = new Hub({ broker: await brokers[broker]?.(url) })
		const respond = bridged((request) => hub.stream('all', { request }))
		const http = createServer((incoming, response) => {
			void respond(incoming, response, { opened() {}, stopped() {} })
		})
		await once(http.listen(0, '127.0.0.1'), 'listening')
		return /** @type {AddressInfo} */ (http.address()).port
	},

	/** Reads a stream from now on. @param {number} port */
	async read(port) {
		const [response] = await once(get({ port, host: '127.0.0.1', path: '/' }), 'response')
		let rest = ''
		response.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
			const whole = rest + text
			const end = whole.lastIndexOf('\n\n') + 2
			rest = whole.slice(end)
			take(whole.slice(0, end))
		})
		// The first event may be published before the stream has joined the log.
		await hub.cursor()
		await new Promise((resolve) => setTimeout(resolve, 500))
	},

	/** One event after the other; how many milliseconds each took to its reader. @param {number} count */
	async latency(count) {
		const first = arrived.length
		const times = []
		for (let number = first; number < first + count; number++) {
			const came = until(number + 1)
			const start = performance.now()
			const { error } = await hub.publish('all', 'message', String(number))
			if (error) throw error
			await came
			times.push(/** @type {number} */ (arrived[number]) - start)
		}
		return times
	},

	/** Many at a time; milliseconds until all have come. @param {number} count */
	async flow(count) {
		const first = arrived.length
		const came = until(first + count)
		const start = performance.now()
		for (let number = first; number < first + count; number++)
			void hub.publish('all', 'message', String(number))
		await came
		return performance.now() - start
	}
})
