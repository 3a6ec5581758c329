import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../support/ports.js'
import { handshake } from '../../support/servers/handshake.js'
import { startServer, type ServerProcess } from '../../support/servers/server-process.js'
import { temporaryDirectory } from '../../support/servers/temporary.js'

const files = new URL('../../../node_modules/@sveltejs/adapter-node/files/', import.meta.url)
const typescript = new URL('../../support/typescript.mjs', import.meta.url).href
const handler = new URL('handler.ts', import.meta.url).href

/** adapter-node's own server, signals and shutdown included, around an endpoint of ours. */
export async function startAdapterNode(interval: number): Promise<ServerProcess> {
	const dir = await temporaryDirectory('adapter-node')
	await cp(fileURLToPath(files), dir, { recursive: true })
	// What the adapter puts in its place when it builds.
	const env = await readFile(join(dir, 'env.js'), 'utf8')
	await writeFile(join(dir, 'env.js'), env.replaceAll('ENV_PREFIX', "''"))
	await writeFile(join(dir, 'package.json'), '{ "type": "module" }')
	await writeFile(join(dir, 'handler.js'), `export { handler } from ${JSON.stringify(handler)}`)
	const port = await freePort()
	return startServer({
		name: 'adapter-node',
		command: process.execPath,
		args: ['--disable-warning=ExperimentalWarning', '--import', typescript, join(dir, 'index.js')],
		port,
		url: `http://127.0.0.1:${port}`,
		dir,
		env: {
			NODE_OPTIONS: '',
			PORT: String(port),
			HOST: '127.0.0.1',
			// An hour: what ends before has not been waited for.
			SHUTDOWN_TIMEOUT: '3600',
			BEGINNING: String(Date.now() - 60_000),
			INTERVAL: String(interval)
		},
		handshake: async () => {
			await handshake(
				port,
				'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n',
				/hello/
			)
		}
	})
}
