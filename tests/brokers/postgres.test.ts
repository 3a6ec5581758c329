import { Pool } from 'pg'
import { afterAll, beforeAll } from 'vitest'
import { postgres } from '../../src/lib/brokers/postgres.js'
import type { BrokerUnderTest } from '../../src/lib/testing/broker-conformance.js'
import { startFaultProxy, type FaultProxy } from '../support/fault-proxy.js'
import { startPostgres, type ServerProcess } from '../support/servers.js'
import { conforms, slowness } from '../support/broker-conformance.js'

let server: ServerProcess
let proxy: FaultProxy
let pool: Pool

beforeAll(async () => {
	server = await startPostgres({ settings: { max_connections: 60 } })
	proxy = await startFaultProxy(server.port)
	const { port } = proxy
	pool = new Pool({ host: '127.0.0.1', port, user: 'postgres', max: 30 })
})

afterAll(async () => {
	await pool?.end()
	await proxy?.close()
	await server?.close()
})

const migrated = new Set<string>()

const subject: BrokerUnderTest = {
	async create(table, settings) {
		const broker = postgres(pool, { table, ...settings })
		if (server.running && !migrated.has(table)) {
			await broker.migrate()
			migrated.add(table)
		}
		return broker
	},
	spansProcesses: true,
	durable: true,
	faults: {
		kill: () => server.kill(),
		start: () => server.start(),
		pause: () => server.pause(),
		resume: () => server.resume(),
		...slowness(() => proxy),
		async cut() {
			const admin = new Pool({ connectionString: server.url, max: 1 })
			await admin.query(
				'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()'
			)
			await admin.end()
		},
		async lose(table) {
			await pool.query(`truncate "${table}", "${table}_state"`)
		}
	}
}

conforms('postgres', () => subject)
