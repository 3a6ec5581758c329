import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe } from 'vitest'
import { freePort } from '../support/ports.js'
import { handshake } from '../support/servers/handshake.js'
import { startServer, type ServerProcess } from '../support/servers/server-process.js'
import { temporaryDirectory } from '../support/servers/temporary.js'
import { missingTools, needTool, titled } from '../support/tools.js'
import type { App } from './app.js'
import { change } from './documented.js'
import { specs, type ProxyName, type Spec, type Variation } from './specs.js'

/** A real proxy in front of an app, with its documented configuration. */
export class Proxy implements AsyncDisposable {
	readonly url: string
	/** HTTP/2 without TLS. */
	readonly http2Url: string
	#process: ServerProcess

	constructor(process: ServerProcess, http2Port: number) {
		this.#process = process
		this.url = process.url
		this.http2Url = `http://127.0.0.1:${http2Port}`
	}

	/** Sends short requests through the proxy: what had reached the proxy before has passed through as well by then. */
	async roundTrips(): Promise<void> {
		// Several, since threads of a proxy do not wait for one another.
		for (let trip = 0; trip < 20; trip++) {
			const response = await fetch(`${this.url}/hello`)
			if ((await response.text()) !== 'hello')
				throw new Error(`The proxy answered ${response.status}.`)
		}
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.#process.close()
	}
}

/** Starts a proxy on a free loopback port. */
export async function startProxy(
	name: ProxyName,
	app: App,
	{ changes = [], args = [] }: Variation = {}
): Promise<Proxy> {
	const spec: Spec = specs[name]
	const command = await needTool(spec.program)
	const dir = await temporaryDirectory(spec.program)
	const [port, http2Port, innerPort] = [await freePort(), await freePort(), await freePort()]
	const place = { dir, port, http2Port, innerPort, app: `127.0.0.1:${app.port}` }
	const file = join(dir, 'proxy.conf')
	await writeFile(file, change(spec.config(place), changes))
	const server = await startServer({
		name,
		command,
		args: [...spec.args(file, place), ...args],
		env: spec.env?.(place),
		port,
		url: `http://127.0.0.1:${port}`,
		dir,
		handshake: async () => {
			await handshake(port, `GET /hello HTTP/1.0\r\nHost: 127.0.0.1:${port}\r\n\r\n`, /hello$/)
		}
	})
	return new Proxy(server, spec.separatesHttp2 ? http2Port : port)
}

/** Describes what holds for proxies; those that are missing are skipped by name. */
export async function describeProxies(
	names: readonly ProxyName[],
	describeOne: (name: ProxyName) => void,
	options: { concurrent?: boolean } = {}
): Promise<void> {
	for (const name of names) {
		const missing = await missingTools(specs[name].program)
		describe.skipIf(missing)(titled(name, missing), options, () => describeOne(name))
	}
}

export const allProxies = Object.keys(specs) as ProxyName[]
