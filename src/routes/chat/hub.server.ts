import { Hub } from 'sveltekit-sse/hub'
import type { Broker } from 'sveltekit-sse/hub'

const { REDIS_URL, DATABASE_URL, NATS_URL } = process.env

/** Which engine carries the chat: this process's memory, unless the environment names another. */
export const engine = REDIS_URL
	? 'Redis'
	: DATABASE_URL
		? 'PostgreSQL'
		: NATS_URL
			? 'NATS'
			: 'memory'

export const hub = new Hub({ name: 'chat', broker: await connect(), history: { events: 2_000 } })

/** The clients are looked for only when they are asked for: without an engine the demo needs none of them. */
export async function connect(): Promise<Broker | undefined> {
	if (engine === 'Redis') {
		const [{ createClient }, { redis }] = await Promise.all([
			import('redis'),
			import('sveltekit-sse/redis')
		])
		const client = createClient({ url: REDIS_URL })
		client.on('error', console.error)
		await client.connect()
		return redis(client)
	}
	if (engine === 'PostgreSQL') {
		const [{ default: pg }, { postgres }] = await Promise.all([
			import('pg'),
			import('sveltekit-sse/postgres')
		])
		const broker = postgres(new pg.Pool({ connectionString: DATABASE_URL }))
		await broker.migrate()
		return broker
	}
	if (engine === 'NATS') {
		const [{ connect }, { nats }] = await Promise.all([
			import('@nats-io/transport-node'),
			import('sveltekit-sse/nats')
		])
		return nats(await connect({ servers: NATS_URL, maxReconnectAttempts: -1 }))
	}
	return undefined
}
