import { createClient } from 'redis'
import { afterAll, beforeAll, describe } from 'vitest'
import { redis } from '../../src/lib/brokers/redis.js'
import type { BrokerUnderTest } from '../../src/lib/testing/conformance/types.js'
import { startFaultProxy, type FaultProxy } from '../support/fault-proxy.js'
import { startRedis, type ServerProcess } from '../support/servers.js'
import { conforms, slowness } from '../support/broker-conformance.js'

describe.each([
	{ kind: 'with a log on disk', appendonly: true },
	{ kind: 'in memory only', appendonly: false }
])('redis, $kind', ({ appendonly }) => {
	let server: ServerProcess
	let proxy: FaultProxy
	let client: ReturnType<typeof createClient>

	beforeAll(async () => {
		server = await startRedis({ appendonly })
		proxy = await startFaultProxy(server.port)
		client = createClient({ url: `redis://127.0.0.1:${proxy.port}` })
		client.on('error', () => {})
		await client.connect()
	})

	afterAll(async () => {
		client?.destroy()
		await proxy?.close()
		await server?.close()
	})

	const subject = (): BrokerUnderTest => ({
		create: (log, settings) => redis(client, { key: log, ...settings }),
		spansProcesses: true,
		durable: appendonly,
		faults: {
			kill: () => server.kill(),
			start: () => server.start(),
			pause: () => server.pause(),
			resume: () => server.resume(),
			...slowness(() => proxy),
			async cut() {
				const admin = await createClient({ url: server.url }).connect()
				await admin.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'])
				admin.destroy()
			},
			async lose() {
				await client.flushAll()
			}
		}
	})

	conforms('the contract', subject)
})
