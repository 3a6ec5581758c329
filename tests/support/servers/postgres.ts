import { execFile } from 'node:child_process'
import { chown, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '../ports.js'
import { needTool } from '../tools.js'
import { handshake } from './handshake.js'
import { startServer, type ServerProcess } from './server-process.js'
import { temporaryDirectory } from './temporary.js'

export interface PostgresOptions {
	/** Writes to disk before it answers. A killed process loses nothing either way. @default false */
	fsync?: boolean
	/** Settings as in `postgresql.conf`, for example `{ max_connections: 50 }`. */
	settings?: Record<string, string | number>
}

interface User {
	uid: number
	gid: number
}

const run = promisify(execFile)

/** Starts a real PostgreSQL of its own on a free loopback port; user and database `postgres`. */
export async function startPostgres(options: PostgresOptions = {}): Promise<ServerProcess> {
	const initdb = await needTool('initdb')
	const user = await unprivileged()
	const dir = await temporaryDirectory('postgres')
	if (user) await chown(dir, user.uid, user.gid)
	const data = join(dir, 'data')
	const cluster = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C']
	await run(initdb, [...cluster, '--no-sync'], { cwd: dir, ...user })
	// Not before: in the seconds until now another might have taken it.
	const port = await freePort()
	return startServer({
		name: 'postgres',
		command: join(dirname(initdb), 'postgres'),
		args: ['-D', data, ...settingArgs(port, options)],
		port,
		url: `postgres://postgres@127.0.0.1:${port}/postgres`,
		dir,
		user,
		// SIGTERM would wait until all clients have left by themselves.
		stopSignal: 'SIGINT',
		quitSignal: 'SIGQUIT',
		handshake: async () => {
			await handshake(port, startupMessage(), readyForQuery)
		}
	})
}

function settingArgs(port: number, options: PostgresOptions): string[] {
	const settings = {
		port,
		listen_addresses: '127.0.0.1',
		unix_socket_directories: '',
		fsync: options.fsync ? 'on' : 'off',
		...options.settings
	}
	return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}

/** PostgreSQL refuses to run as root; who is not root runs it as himself. */
async function unprivileged(): Promise<User | undefined> {
	if (process.getuid?.() !== 0) return undefined
	const lines = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'))
	for (const name of ['postgres', 'nobody']) {
		const line = lines.find((fields) => fields[0] === name)
		if (line) return { uid: Number(line[2]), gid: Number(line[3]) }
	}
	throw new Error('PostgreSQL does not run as root, and there is no user postgres or nobody.')
}

const readyForQuery = /Z\0\0\0\x05I/

/** The first message of protocol 3.0: length, version, parameters. */
function startupMessage(): Buffer {
	const parameters = Buffer.from('user\0postgres\0database\0postgres\0\0')
	const head = Buffer.alloc(8)
	head.writeInt32BE(head.length + parameters.length, 0)
	head.writeInt32BE(0x00_03_00_00, 4)
	return Buffer.concat([head, parameters])
}
