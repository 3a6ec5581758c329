import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { nats } from '../../src/lib/brokers/nats.js'
import type { Broker, Cursor } from '../../src/lib/hub/broker.js'
import { brokerConformance } from '../../src/lib/testing/broker-conformance.js'
import { Recorder } from '../../src/lib/testing/conformance/recorder.js'
import { conforms } from '../support/broker-conformance.js'
import type { ServerProcess } from '../support/servers.js'
import { startNatsCluster, type NatsCluster } from '../support/servers/nats-cluster.js'
import { missingTools, titled } from '../support/tools.js'

const missing = await missingTools('nats-server')

// Servers wait 4 to 9 s before they elect another leader, and may have to do it twice; that cannot be set.
const elected = { timeout: 120_000, interval: 50 }

// Half a second each for a stream of three copies, and nothing in them that a cluster could do otherwise than the one
// server of `nats.test.ts`.
const alike = [
	'append of nothing is nothing',
	'logs of different names share nothing',
	'a transaction that a broker cannot join is refused',
	'calls are one at a time and never inside of another',
	'a listener that throws stops nobody',
	'after a tail’s close it is not called',
	'a history is kept that is not exceeded',
	'a broker’s end is no other’s'
]

describe.skipIf(missing)(titled('a NATS cluster of three', missing), () => {
	let cluster: NatsCluster
	let connection: NatsConnection
	let manager: JetStreamManager

	function dial(...nodes: ServerProcess[]): Promise<NatsConnection> {
		const servers = nodes.map(({ port }) => `127.0.0.1:${port}`)
		return connect({ servers, maxReconnectAttempts: -1, reconnectTimeWait: 100 })
	}

	beforeAll(async () => {
		cluster = await startNatsCluster()
		connection = await dial(...cluster.nodes.values())
		manager = await jetstreamManager(connection, { checkAPI: false })
		const trial = { name: 'TRIAL', subjects: ['trial'], num_replicas: 3 }
		const hasPlace = () => {
			return manager.streams.add(trial).then(
				() => true,
				() => false
			)
		}
		await vi.waitUntil(hasPlace, elected)
	})

	afterAll(async () => {
		await connection?.close()
		await cluster?.[Symbol.asyncDispose]()
	})

	const subject = {
		create: (stream: string, settings: object) => {
			return nats(connection, { stream, replicas: 3, ...settings })
		},
		spansProcesses: true,
		durable: true
	}
	const cases = brokerConformance.filter(({ name }) => !alike.includes(name))
	conforms('the contract', () => subject, cases)

	function leader(stream: string): Promise<ServerProcess> {
		const find = async () => {
			const info = await manager.streams.info(stream).catch(() => undefined)
			return cluster.nodes.get(info?.cluster?.leader ?? '')
		}
		return vi.waitUntil(find, elected)
	}

	test('a leader that dies is followed by another, and every entry is told once', async () => {
		const own = { stream: 'FAILOVER', replicas: 3, onError: () => {}, timeout: 2_000 }
		const brokers = [nats(connection, own), nats(connection, own)] as const
		const connections: NatsConnection[] = []
		try {
			const tail = new Recorder(brokers[0])
			await tail.untilLive()
			const start = await answered(() => brokers[0].head())
			const publishing = publish(brokers[1])
			await tail.untilSeen(20)
			const dead = await leader('FAILOVER')
			await dead.kill()
			const before = publishing.sent.length
			await vi.waitUntil(() => publishing.sent.length > before + 20, elected)
			await dead.start()
			// Its copy lags; who asks there is told the same.
			connections.push(await dial(dead))
			const late = nats(connections[0] as NatsConnection, own)
			const tails = [tail, new Recorder(late, { after: start })]
			const followed = (count: number) => tails.every(({ seen }) => seen.length >= count)
			await vi.waitUntil(() => followed(before + 1), elected)
			const sent = await publishing.end()
			await vi.waitUntil(() => followed(sent.length), elected)
			expect(tails.map(({ data }) => data)).toEqual([sent, sent])
			expect(tails.flatMap(({ gaps }) => gaps)).toEqual([])
			expect(await readAll(late, start)).toEqual(sent)
			await late.close()
		} finally {
			await Promise.all(brokers.map((broker) => broker.close()))
			await Promise.all(connections.map((one) => one.close()))
		}
	}, 600_000)
})

/** Appends one entry after the other until it is told to end. */
function publish(broker: Broker): { sent: string[]; end(): Promise<string[]> } {
	const sent: string[] = []
	let ending = false
	const publishing = (async () => {
		while (!ending) {
			const data = String(sent.length)
			sent.push(data)
			await broker.append([{ topic: 't', name: 'n', data }], { wait: elected.timeout })
		}
	})()
	// If the test fails earlier, nobody asks how this ended.
	publishing.catch(() => {})
	return {
		sent,
		async end() {
			ending = true
			await publishing
			return sent
		}
	}
}

/** Asks again for as long as no leader can answer. */
async function answered<T>(ask: () => Promise<T>): Promise<T> {
	const deadline = Date.now() + elected.timeout
	for (;;) {
		try {
			return await ask()
		} catch (error) {
			const { code } = error as { code?: string }
			if ((code !== 'network' && code !== 'timeout') || Date.now() > deadline) throw error
			await new Promise((resolve) => setTimeout(resolve, elected.interval))
		}
	}
}

async function readAll(broker: Broker, after: Cursor): Promise<string[]> {
	const data: string[] = []
	for (let at = after; ;) {
		const { entries, gap, more } = await answered(() => broker.read(at, { limit: 100 }))
		expect(gap).toBeUndefined()
		data.push(...entries.map((entry) => entry.data))
		at = entries.at(-1)?.cursor ?? at
		if (!more) return data
	}
}
