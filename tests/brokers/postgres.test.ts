import { Pool } from 'pg'
import { afterAll, beforeAll } from 'vitest'
import { migration, postgres } from '../../src/lib/brokers/postgres.js'
import type { BrokerUnderTest } from '../../src/lib/testing/conformance/types.js'
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

/** Speaks with the server itself, on a connection that no fault has touched. */
async function admin(sql: string): Promise<void> {
	const own = new Pool({ connectionString: server.url, max: 1 })
	await own.query(sql).finally(() => own.end())
}

const subject: BrokerUnderTest = {
	async create(table, settings) {
		if (server.running && !migrated.has(table)) {
			await admin(migration({ table }))
			migrated.add(table)
		}
		return postgres(pool, { table, ...settings })
	},
	spansProcesses: true,
	durable: true,
	faults: {
		kill: () => server.kill(),
		start: () => server.start(),
		pause: () => server.pause(),
		resume: () => server.resume(),
		...slowness(() => proxy),
		cut: () => {
			return admin(
				'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()'
			)
		},
		lose: (table) => admin(`truncate "${table}", "${table}_state"`)
	}
}

conforms('postgres', () => subject)
