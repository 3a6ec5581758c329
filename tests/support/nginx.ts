import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { selfSigned } from './nginx/certificate.js'
import { generationPath, nginxConfig, type Instance, type NginxOptions } from './nginx/config.js'
import { freePort } from './ports.js'
import { handshake } from './servers/handshake.js'
import { processTree } from './servers/process-tree.js'
import { startServer, type ServerProcess } from './servers/server-process.js'
import { temporaryDirectory } from './servers/temporary.js'
import { missingTools, needTool } from './tools.js'

export type { NginxOptions } from './nginx/config.js'

/** A real nginx in front of one or more upstream ports. */
export class Nginx {
	/** HTTP/1.1 in the clear, without a slash at the end. */
	readonly url: string
	/** HTTP/2 and HTTP/1.1 over TLS, with a self-signed certificate for localhost. */
	readonly secureUrl: string
	/** The certificate as PEM, for clients that take a `ca`. */
	readonly certificate: string
	#process: ServerProcess
	#instance: Instance
	#options: NginxOptions

	constructor(process: ServerProcess, instance: Instance, options: NginxOptions, cert: string) {
		this.#process = process
		this.#instance = instance
		this.#options = options
		this.url = `http://127.0.0.1:${instance.httpPort}`
		this.secureUrl = `https://localhost:${instance.httpsPort}`
		this.certificate = cert
	}

	get log(): string {
		return this.#process.log
	}

	/**
	 * Reads its configuration again, with changes if there are some; resolves when the new one is in
	 * force. Open connections stay with the old worker until they end, as with every nginx.
	 */
	async reload(change: Partial<NginxOptions> = {}): Promise<void> {
		this.#options = { ...this.#options, ...change }
		this.#instance.generation++
		await writeConfig(this.#options, this.#instance)
		const { pid } = this.#process
		const workers = processTree(pid).filter((one) => one !== pid)
		if (pid) process.kill(pid, 'SIGHUP')
		await this.#inForce(workers)
	}

	/** Ends at once and comes back on the same ports; every connection is cut. */
	async restart(): Promise<void> {
		await this.#process.restart('kill')
	}

	/** Ends it, its workers and their connections, and removes its directory. */
	async close(): Promise<void> {
		await this.#process.close()
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close()
	}

	/** An old worker takes new connections until it shuts down, while the new one already answers. */
	async #inForce(oldWorkers: number[]): Promise<void> {
		const deadline = Date.now() + 30_000
		for (;;) {
			try {
				await greet(this.#instance)
				const late = oldWorkers.find(
					(pid) => !this.log.includes(`#${pid}: gracefully shutting down`)
				)
				if (late === undefined) return
				throw new Error(`Its worker ${late} still takes connections`)
			} catch (cause) {
				if (Date.now() > deadline) {
					throw new Error(`nginx did not reload. Its log:\n${this.log}`, { cause })
				}
			}
			// nginx tells nobody when its new workers have taken over.
			await new Promise((resolve) => setTimeout(resolve, 20))
		}
	}
}

/** Starts nginx on free loopback ports, with its default buffering and with gzip on. */
export async function startNginx(options: NginxOptions): Promise<Nginx> {
	const command = await needTool('nginx')
	const dir = await temporaryDirectory('nginx')
	const [httpPort, httpsPort] = [await freePort(), await freePort()]
	const instance: Instance = { dir, httpPort, httpsPort, generation: 1 }
	const { cert, key } = selfSigned()
	await writeFile(join(dir, 'cert.pem'), cert)
	await writeFile(join(dir, 'key.pem'), key, { mode: 0o600 })
	await writeConfig(options, instance)
	const server = await startServer({
		name: 'nginx',
		command,
		args: ['-p', dir, '-c', configPath(dir), '-e', 'stderr'],
		port: httpPort,
		url: `http://127.0.0.1:${httpPort}`,
		dir,
		quitSignal: 'SIGTERM',
		handshake: () => greet(instance)
	})
	return new Nginx(server, instance, options, cert)
}

/** Why tests with nginx are skipped; `undefined` if it is there or could be installed. */
export function missingNginx(): Promise<string | undefined> {
	return missingTools('nginx')
}

function configPath(dir: string): string {
	return join(dir, 'nginx.conf')
}

async function writeConfig(options: NginxOptions, instance: Instance): Promise<void> {
	await writeFile(configPath(instance.dir), nginxConfig(options, instance))
}

async function greet({ httpPort, generation }: Instance): Promise<void> {
	const request = `GET ${generationPath} HTTP/1.0\r\n\r\n`
	await handshake(httpPort, request, new RegExp(`generation ${generation}\\.`))
}
