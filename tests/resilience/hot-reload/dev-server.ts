import { execFile } from 'node:child_process'
import { cp, mkdir, open, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { packLibrary } from '../../../scripts/pack.mjs'
import { freePort } from '../../support/ports.js'
import { handshake } from '../../support/servers/handshake.js'
import { startServer, type ServerProcess } from '../../support/servers/server-process.js'
import { temporaryDirectory } from '../../support/servers/temporary.js'

const app = fileURLToPath(new URL('app/', import.meta.url))
const modules = fileURLToPath(new URL('../../../node_modules/', import.meta.url))

/** Not a file among the app's: tools that look for configurations would take this repository for two. */
const config = `import { sveltekit } from '@sveltejs/kit/vite'
export default { plugins: [sveltekit()] }
`

/** What the app says of itself. */
export interface State {
	/** Which edition of each file has been loaded. */
	versions: Record<string, number>
	connections: number
	members: string[]
}

/** A real `vite dev` of an app that has the library installed as its users have it. */
export class DevServer implements AsyncDisposable {
	readonly #server: ServerProcess

	constructor(server: ServerProcess) {
		this.#server = server
	}

	get url(): string {
		return this.#server.url
	}

	get log(): string {
		return this.#server.log
	}

	/** Where a file of the app is. */
	file(path: string): string {
		return join(this.#server.dir, path)
	}

	async state(): Promise<State> {
		return (await fetch(`${this.url}/events`)).json() as Promise<State>
	}

	async publish(number: number): Promise<void> {
		const headers = { 'content-type': 'application/octet-stream' }
		const response = await fetch(`${this.url}/events`, {
			method: 'PUT',
			headers,
			body: String(number)
		})
		if (!response.ok) throw new Error(`status ${response.status}\n${this.log}`)
	}

	/**
	 * Edits a file, which must not become shorter. In one step: what watches it would find it empty between the two of
	 * `writeFile`.
	 */
	async edit(path: string, change: (text: string) => string): Promise<void> {
		const file = this.file(path)
		const text = change(await readFile(file, 'utf8'))
		await using handle = await open(file, 'r+')
		await handle.write(text, 0)
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#server.close()
	}
}

export async function startDevServer(): Promise<DevServer> {
	const dir = await temporaryDirectory('hot-reload')
	await cp(app, dir, { recursive: true })
	await writeFile(join(dir, 'vite.config.js'), config)
	await install(dir)
	const port = await freePort()
	const place = ['--host', '127.0.0.1', '--port', String(port), '--strictPort']
	const server = await startServer({
		name: 'vite dev',
		command: process.execPath,
		args: [join(dir, 'node_modules/vite/bin/vite.js'), 'dev', ...place],
		port,
		url: `http://127.0.0.1:${port}`,
		dir,
		// The test runner's own settings are not for it.
		env: { NODE_OPTIONS: '', NODE_ENV: '', VITEST: '' },
		startTimeout: 180_000,
		handshake: async () => {
			await handshake(port, 'GET /events HTTP/1.0\r\nHost: localhost\r\n\r\n', /"versions"/, 20_000)
		}
	})
	return new DevServer(server)
}

/** The packed library, and beside it what is installed here. */
async function install(dir: string): Promise<void> {
	const own = join(dir, 'node_modules', 'sveltekit-sse')
	await mkdir(own, { recursive: true })
	const strip = ['--strip-components', '1']
	await promisify(execFile)('tar', ['-xzf', await packLibrary(), '-C', own, ...strip])
	for (const name of await readdir(modules)) {
		if (name.startsWith('.') || name.startsWith('sveltekit-sse')) continue
		await symlink(join(modules, name), join(dir, 'node_modules', name))
	}
}
