import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { root, toolEnv } from '../../../scripts/install.mjs'
import { freePort } from '../../support/ports.js'
import type { Exit } from '../../support/program.js'
import { handshake } from '../../support/servers/handshake.js'
import { temporaryDirectory } from '../../support/servers/temporary.js'
import { watchOver } from '../../support/servers/watchdog.js'

/** The demo site as its developers run it: a real `vite dev`. */
export class ViteDev implements AsyncDisposable {
	readonly url: string
	readonly exit: Promise<Exit>
	readonly #child: ChildProcess

	constructor(child: ChildProcess, url: string, exit: Promise<Exit>) {
		this.#child = child
		this.url = url
		this.exit = exit
	}

	kill(signal: NodeJS.Signals): void {
		this.#child.kill(signal)
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#child.kill('SIGKILL')
		await this.exit
	}
}

/** Starts it on a free port; resolves when it answers. */
export async function startViteDev(): Promise<ViteDev> {
	const port = await freePort()
	const dir = await temporaryDirectory('vite-dev')
	const place = ['--host', '127.0.0.1', '--port', String(port), '--strictPort']
	const child = spawn(process.execPath, ['node_modules/vite/bin/vite.js', 'dev', ...place], {
		cwd: root,
		stdio: ['ignore', 'pipe', 'pipe'],
		env: await toolEnv({ NODE_OPTIONS: '' })
	})
	const callOff = child.pid ? watchOver(child.pid, dir) : undefined
	let log = ''
	let hasEnded = false
	child.stdout.on('data', (text) => (log += text))
	child.stderr.on('data', (text) => (log += text))
	const exit = once(child, 'close').then(async ([code, signal]) => {
		hasEnded = true
		callOff?.()
		await rm(dir, { recursive: true })
		return { code, signal }
	})
	const server = new ViteDev(child, `http://127.0.0.1:${port}`, exit)
	const deadline = Date.now() + 180_000
	for (;;) {
		try {
			await handshake(port, 'GET /status HTTP/1.0\r\n\r\n', /"streams"/, 20_000)
			return server
		} catch (cause) {
			if (hasEnded || Date.now() > deadline) {
				await server[Symbol.asyncDispose]()
				throw new Error(`vite dev did not start. Its log:\n${log}`, { cause })
			}
		}
		// There is no event for the readiness of someone else's process.
		await new Promise((resolve) => setTimeout(resolve, 50))
	}
}
