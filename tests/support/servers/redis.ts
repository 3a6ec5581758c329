import { freePort, isFree } from '../ports.js'
import { needTool } from '../tools.js'
import { handshake } from './handshake.js'
import { startServer, type ServerProcess } from './server-process.js'
import { temporaryDirectory } from './temporary.js'

export interface RedisOptions {
	/** Keeps what was written over a restart and a kill. @default false */
	appendonly?: boolean
	/** In cluster mode: `alone` serves all slots, `member` none yet. @default not in cluster mode */
	cluster?: 'alone' | 'member'
	/** More of `redis-server`'s command line. */
	args?: string[]
}

/** Starts a real Redis (or Valkey) of its own on a free loopback port. */
export async function startRedis(options: RedisOptions = {}): Promise<ServerProcess> {
	const command = await needTool('redis-server')
	const port = await (options.cluster ? clusterPort() : freePort())
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
	if (options.cluster === 'alone') await serveAllSlots(port)
	return server
}

/** Nodes of a cluster speak with one another 10,000 above: neither port may be one of outgoing connections. */
async function clusterPort(): Promise<number> {
	for (;;) {
		const port = await freePort()
		if (port + 10_000 < 32_000 && (await isFree(port + 10_000))) return port
	}
}

function redisArgs(port: number, dir: string, options: RedisOptions): string[] {
	const settings: Record<string, string | number> = {
		port,
		dir,
		bind: '127.0.0.1',
		daemonize: 'no',
		save: '',
		appendonly: options.appendonly ? 'yes' : 'no',
		// With a log, each write is in the file before it is acknowledged, and a kill loses nothing. A sync would guard
		// against a power cut, and makes tests wait for a busy disk.
		appendfsync: 'no'
	}
	if (options.cluster) settings['cluster-enabled'] = 'yes'
	return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)])
}

/** How long one answer may take, in milliseconds. */
const patience = 20_000

async function serveAllSlots(port: number): Promise<void> {
	const lines = Array.from({ length: 64 }, (_, row) => {
		const slots = Array.from({ length: 256 }, (_, slot) => row * 256 + slot)
		return `CLUSTER ADDSLOTS ${slots.join(' ')}\r\n`
	})
	await handshake(port, lines.join(''), /^(\+OK\r\n){64}$/, patience)
	for (;;) {
		const info = await handshake(port, 'CLUSTER INFO\r\n', /cluster_state:\w+/, patience)
		if (info.includes('cluster_state:ok')) return
		await new Promise((resolve) => setTimeout(resolve, 50))
	}
}
