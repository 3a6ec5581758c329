import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { Pool } from 'pg'
import { createClient } from 'redis'
import { nats } from '../../../src/lib/brokers/nats.js'
import { postgres } from '../../../src/lib/brokers/postgres.js'
import { redis } from '../../../src/lib/brokers/redis.js'
import type { Broker } from '../../../src/lib/hub/broker.js'
import { startNats, startPostgres, startRedis } from '../../support/servers.js'
import type { ToolName } from '../../support/tools.js'

/** A running engine that several machines share. */
export interface Engine extends AsyncDisposable {
	/** What tells the demo site to use it. */
	readonly env: Record<string, string>
	/** A broker of the test's own on the log that the machines share. */
	readonly broker: Broker
	/** Destroys the log behind everyone's back. */
	lose(): Promise<unknown>
}

async function redisEngine(): Promise<Engine> {
	const server = await startRedis()
	const client = await createClient({ url: server.url }).connect()
	const broker = redis(client)
	return {
		env: { REDIS_URL: server.url },
		broker,
		lose: () => client.flushAll(),
		async [Symbol.asyncDispose]() {
			await broker.close()
			client.destroy()
			await server.close()
		}
	}
}

async function postgresEngine(): Promise<Engine> {
	const server = await startPostgres()
	const pool = new Pool({ connectionString: server.url })
	const broker = postgres(pool)
	return {
		env: { DATABASE_URL: server.url },
		broker,
		lose: () => pool.query('truncate sveltekit_sse, sveltekit_sse_state'),
		async [Symbol.asyncDispose]() {
			await broker.close()
			await pool.end()
			await server.close()
		}
	}
}

async function natsEngine(): Promise<Engine> {
	const server = await startNats()
	const connection = await connect({ servers: server.url })
	const broker = nats(connection)
	return {
		env: { NATS_URL: server.url },
		broker,
		lose: async () => (await jetstreamManager(connection)).streams.delete('SSE'),
		async [Symbol.asyncDispose]() {
			await broker.close()
			await connection.close()
			await server.close()
		}
	}
}

export const engines: { name: string; tools: ToolName[]; start(): Promise<Engine> }[] = [
	{ name: 'Redis', tools: ['redis-server'], start: redisEngine },
	{ name: 'PostgreSQL', tools: ['initdb'], start: postgresEngine },
	{ name: 'NATS', tools: ['nats-server'], start: natsEngine }
]
