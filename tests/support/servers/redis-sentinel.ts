import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../ports.js'
import { needTool } from '../tools.js'
import { handshake } from './handshake.js'
import { command, until } from './redis-commands.js'
import { startRedis } from './redis.js'
import { startServer, type ServerProcess } from './server-process.js'
import { temporaryDirectory } from './temporary.js'

/** What the sentinel calls the master that it watches over. */
export const sentinelName = 'main'

/** Milliseconds after which a master that does not answer is given up: at first never, whatever holds the machine up. */
const patience = 600_000
const impatience = 1_000

/** A master, its replica, and a sentinel that puts the replica in the master's place when that is gone. */
export interface WatchedRedis extends AsyncDisposable {
	readonly master: ServerProcess
	readonly sentinel: ServerProcess
	/** Kills the master; its replica takes its place. */
	failOver(): Promise<void>
}

export async function startWatchedRedis(): Promise<WatchedRedis> {
	const stack = new AsyncDisposableStack()
	const keep = (server: ServerProcess) => stack.adopt(server, () => server.close())
	try {
		const master = keep(await startRedis({ appendonly: true }))
		const follows = ['--replicaof', '127.0.0.1', String(master.port)]
		const replica = keep(await startRedis({ appendonly: true, args: follows }))
		await until(replica, ['ROLE'], /slave.*connected/)
		const sentinel = keep(await startSentinel(master.port))
		// Held up for two seconds it would distrust its clock, and do nothing for half a minute. Before 7.0 that is fixed.
		const distrust = ['DEBUG', 'tilt-trigger', String(patience)]
		await command(sentinel, 'SENTINEL', ...distrust).catch(() => {})
		// It learns of the replica from the master.
		await until(sentinel, ['SENTINEL', 'REPLICAS', sentinelName], new RegExp(`${replica.port}`))
		const failOver = async () => {
			await master.kill()
			const setting = ['down-after-milliseconds', String(impatience)]
			await command(sentinel, 'SENTINEL', 'SET', sentinelName, ...setting)
		}
		return { master, sentinel, failOver, [Symbol.asyncDispose]: () => stack.disposeAsync() }
	} catch (error) {
		await stack.disposeAsync()
		throw error
	}
}

async function startSentinel(masterPort: number): Promise<ServerProcess> {
	const program = await needTool('redis-server')
	const port = await freePort()
	const dir = await temporaryDirectory('sentinel')
	const file = join(dir, 'sentinel.conf')
	// It writes down there what it learns.
	await writeFile(
		file,
		[
			`port ${port}`,
			'bind 127.0.0.1',
			`dir ${dir}`,
			`sentinel monitor ${sentinelName} 127.0.0.1 ${masterPort} 1`,
			`sentinel down-after-milliseconds ${sentinelName} ${patience}`,
			`sentinel failover-timeout ${sentinelName} 5000`
		].join('\n')
	)
	return startServer({
		name: 'sentinel',
		command: program,
		args: [file, '--sentinel'],
		port,
		url: `redis://127.0.0.1:${port}`,
		dir,
		handshake: async () => {
			await handshake(port, 'PING\r\n', /^\+PONG/)
		}
	})
}
