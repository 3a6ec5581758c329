import { jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll } from 'vitest'
import { nats } from '../../src/lib/brokers/nats.js'
import type { BrokerUnderTest } from '../../src/lib/testing/conformance/types.js'
import { startFaultProxy, type FaultProxy } from '../support/fault-proxy.js'
import { startNats, type ServerProcess } from '../support/servers.js'
import { conforms, slowness } from '../support/broker-conformance.js'

let server: ServerProcess
let proxy: FaultProxy
let connection: NatsConnection

beforeAll(async () => {
	server = await startNats()
	proxy = await startFaultProxy(server.port)
	connection = await connect({
		servers: `127.0.0.1:${proxy.port}`,
		maxReconnectAttempts: -1,
		reconnectTimeWait: 100
	})
})

afterAll(async () => {
	await connection?.close()
	await proxy?.close()
	await server?.close()
})

const subject: BrokerUnderTest = {
	create: (stream, settings) => nats(connection, { stream, ...settings }),
	spansProcesses: true,
	durable: true,
	faults: {
		kill: () => server.kill(),
		start: () => server.start(),
		pause: () => server.pause(),
		resume: () => server.resume(),
		...slowness(() => proxy),
		cut: () => proxy.cut(),
		async lose(stream) {
			const manager = await jetstreamManager(connection)
			await manager.streams.delete(stream)
		}
	}
}

conforms('nats', () => subject)
