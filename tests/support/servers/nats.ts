import { freePort } from '../ports.js'
import { needTool } from '../tools.js'
import { handshake } from './handshake.js'
import { startServer, type ServerProcess } from './server-process.js'
import { temporaryDirectory } from './temporary.js'

export interface NatsOptions {
	/** More of `nats-server`'s command line. */
	args?: string[]
}

/** Starts a real NATS server with JetStream of its own on a free loopback port. */
export async function startNats(options: NatsOptions = {}): Promise<ServerProcess> {
	const command = await needTool('nats-server')
	const port = await freePort()
	const dir = await temporaryDirectory('nats')
	const place = ['--addr', '127.0.0.1', '--port', String(port), '--store_dir', dir]
	return startServer({
		name: 'nats',
		command,
		args: ['--jetstream', ...place, ...(options.args ?? [])],
		port,
		url: `nats://127.0.0.1:${port}`,
		dir,
		handshake: async () => {
			const hello = 'CONNECT {"verbose":false}\r\nPING\r\n'
			const answer = await handshake(port, hello, /\r\nPONG\r\n/)
			if (!answer.includes('"jetstream":true')) throw new Error(`no JetStream: ${answer}`)
		}
	})
}
