import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { npm, toolEnv } from '../../scripts/install.mjs'
import { packLibrary } from '../../scripts/pack.mjs'
import { freePort } from '../../scripts/port.mjs'
import { run } from '../../scripts/process.mjs'
import { watchOver } from '../support/servers/watchdog.js'

const here = fileURLToPath(new URL('.', import.meta.url))

/** A small app of its own, with the packed library installed from its tarball. */
export class Fixture {
	folder = ''
	#stop: (() => Promise<void>) | undefined

	/** @param name of its folder */
	constructor(readonly name: string) {}

	/** Makes the app, and installs its packages, and the library as its users do. */
	async install(): Promise<void> {
		const tarball = await packLibrary()
		// Far from this repository, whose packages must not fill in for missing ones.
		this.folder = mkdtempSync(join(tmpdir(), `sveltekit-sse-${this.name}-`))
		cpSync(join(here, this.name), this.folder, { recursive: true })
		const offline = ['--prefer-offline', '--fetch-retries=5']
		const args = ['install', ...offline, '--no-package-lock', '--no-fund', '--no-audit']
		await this.#finish('npm install', npm([...args, tarball], await this.#options()))
	}

	/** Runs a command of one of the app's packages. */
	async run(command: string, ...args: string[]): Promise<void> {
		const file = join(this.folder, 'node_modules', '.bin', command)
		await this.#finish(command, run(file, args, await this.#options()))
	}

	/**
	 * Starts what the build made, and says where it listens.
	 *
	 * @param entry the file or folder to run
	 */
	async serve(entry = 'build'): Promise<string> {
		const port = await freePort()
		const child = spawn(process.execPath, [entry], {
			cwd: this.folder,
			env: await toolEnv({ PORT: String(port) }),
			stdio: ['ignore', 'pipe', 'inherit']
		})
		const callOff = child.pid ? watchOver(child.pid, this.folder) : undefined
		const exited = once(child, 'exit')
		this.#stop = async () => {
			child.kill('SIGTERM')
			const late = setTimeout(() => child.kill('SIGKILL'), 20_000)
			await exited
			clearTimeout(late)
			callOff?.()
		}
		for await (const line of createInterface(child.stdout)) {
			if (line.includes('Listening')) return `http://localhost:${port}`
		}
		throw new Error(`The server of ${this.name} ended before it listened.`)
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#stop?.()
		if (this.folder) rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 })
	}

	async #options() {
		return { cwd: this.folder, env: await toolEnv(), quiet: true }
	}

	async #finish(what: string, running: Promise<{ code: number; output: string }>): Promise<void> {
		const start = performance.now()
		const { code, output } = await running
		const seconds = ((performance.now() - start) / 1000).toFixed(1)
		if (code !== 0) throw new Error(`${this.name}: ${what} failed.\n${output}`)
		console.log(`${this.name}: ${what}, ${seconds} s`)
	}
}
