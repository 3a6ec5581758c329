import { freePort } from '../ports.js'
import { needTool } from '../tools.js'
import { handshake } from './handshake.js'
import { startServer, type ServerProcess } from './server-process.js'
import { temporaryDirectory } from './temporary.js'

export interface RedisOptions {
	/** Keeps what was written over a restart and a kill. @default false */
	appendonly?: boolean
	/** A single node that serves all slots in cluster mode. @default false */
	cluster?: boolean
	/** More of `redis-server`'s command line. */
	args?: string[]
}

/** Starts a real Redis (or Valkey) of its own on a free loopback port. */
export async function startRedis(options: RedisOptions = {}): Promise<ServerProcess> {
	const command = await needTool('redis-server')
	const port = await freePort()
	const dir = await temporaryDirectory('redis')
	const server = await startServer({
		name: 'redis',
		command,
		args: [...redisArgs(port, dir, options), ...(options.args ?? [])],
		port,
		url: `redis://127.0.0.1:${port}`,
		dir,
		handshake: async () => {
			await handshake(port, 'PING\r\n', /^\+PONG/)
		}
	})
	if (options.cluster) await serveAllSlots(port)
	return server
}

function redisArgs(port: number, dir: string, options: RedisOptions): string[] {
	const settings: Record<string, string | number> = {
		port,
		dir,
		bind: '127.0.0.1',
		daemonize: 'no',
		save: '',
		appendonly: options.appendonly ? 'yes' : 'no',
		// A kill loses nothing that was acknowledged.
		appendfsync: 'always'
	}
	if (options.cluster) settings['cluster-enabled'] = 'yes'
	return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)])
}

async function serveAllSlots(port: number): Promise<void> {
	const lines = Array.from({ length: 64 }, (_, row) => {
		const slots = Array.from({ length: 256 }, (_, slot) => row * 256 + slot)
		return `CLUSTER ADDSLOTS ${slots.join(' ')}\r\n`
	})
	await handshake(port, lines.join(''), /^(\+OK\r\n){64}$/)
	for (;;) {
		const info = await handshake(port, 'CLUSTER INFO\r\n', /cluster_state:\w+/)
		if (info.includes('cluster_state:ok')) return
		await new Promise((resolve) => setTimeout(resolve, 50))
	}
}
