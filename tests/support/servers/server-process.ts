import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { isFrozen, processTree } from './process-tree.js'
import { watchOver } from './watchdog.js'

export interface ServerSpec {
	name: string
	command: string
	args: string[]
	port: number
	url: string
	/** Temporary directory of the server, removed by `close()`. */
	dir: string
	/** The user to run as; the user of the tests if left out. */
	user?: { uid: number; gid: number }
	env?: NodeJS.ProcessEnv
	/** Asks for a clean end. @default 'SIGTERM' */
	stopSignal?: NodeJS.Signals
	/**
	 * Asks for a quick end at which the server still sees to its children; without it `close()`
	 * kills, and they are left to the system.
	 */
	quitSignal?: NodeJS.Signals
	/** Speaks with the server once; rejects as long as it is not ready. */
	handshake: () => Promise<void>
	/** Milliseconds to become ready. @default 30_000 */
	startTimeout?: number
}

const logLimit = 64 * 1024

/** A real server as a child process, which tests start, stop, kill, freeze and restart. */
export class ServerProcess {
	readonly name: string
	readonly port: number
	readonly url: string
	readonly dir: string
	#spec: ServerSpec
	#child: ChildProcess | undefined
	#frozen: number[] = []
	#log = ''

	constructor(spec: ServerSpec) {
		this.#spec = spec
		this.name = spec.name
		this.port = spec.port
		this.url = spec.url
		this.dir = spec.dir
	}

	get pid(): number | undefined {
		return this.#child?.pid
	}

	get running(): boolean {
		return this.#child !== undefined
	}

	/** What the server has printed lately, all its lives included. */
	get log(): string {
		return this.#log
	}

	/** Starts the server on its port and waits until it answers. */
	async start(): Promise<void> {
		if (this.#child) return
		const { command, args, dir, user, env } = this.#spec
		const child = spawn(command, args, {
			cwd: dir,
			stdio: ['ignore', 'pipe', 'pipe'],
			env: { ...process.env, ...env },
			...user
		})
		this.#child = child
		const callOff = child.pid ? watchOver(child.pid, dir) : undefined
		const note = (text: unknown) => (this.#log = (this.#log + text).slice(-logLimit))
		child.stdout.on('data', note)
		child.stderr.on('data', note)
		child.once('error', (error) => note(error.message))
		child.once('close', () => {
			if (this.#child === child) this.#child = undefined
			callOff?.()
		})
		await this.#ready(child)
	}

	/** Asks the server to end, and waits until it has; kills it if it takes more than 10 s. */
	stop(): Promise<void> {
		return this.#ask(this.#spec.stopSignal ?? 'SIGTERM')
	}

	/** Ends the server and its children at once, as a power cut would. */
	async kill(): Promise<void> {
		await this.#end(processTree(this.pid), 'SIGKILL')
	}

	/** Freezes the server: its connections stay open, nothing is answered. Resolves when it has come to a halt. */
	async pause(): Promise<void> {
		const { pid } = this
		if (!pid) return
		// First of all the one that might start another child meanwhile.
		this.#frozen = [pid]
		await freeze(this.#frozen)
		this.#frozen = processTree(pid)
		await freeze(this.#frozen)
	}

	resume(): void {
		signal(this.#frozen, 'SIGCONT')
		this.#frozen = []
	}

	/** Stops the server, or kills it, and starts it again on the same port and data. */
	async restart(how: 'stop' | 'kill' = 'stop'): Promise<void> {
		await this[how]()
		await this.start()
	}

	/** Ends the server and removes its data. */
	async close(): Promise<void> {
		const { quitSignal } = this.#spec
		await (quitSignal ? this.#ask(quitSignal) : this.kill())
		await rm(this.dir, { recursive: true, force: true, maxRetries: 5 })
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close()
	}

	async #ready(child: ChildProcess): Promise<void> {
		const { startTimeout = 30_000, handshake } = this.#spec
		const deadline = Date.now() + startTimeout
		let failure: unknown
		while (Date.now() < deadline) {
			if (this.#child !== child) throw this.#failed('ended while it started')
			try {
				return await handshake()
			} catch (error) {
				failure = error
			}
			// There is no event for the readiness of someone else's process.
			await new Promise((resolve) => setTimeout(resolve, 20))
		}
		await this.kill()
		throw this.#failed(`was not ready within ${startTimeout} ms`, failure)
	}

	async #ask(how: NodeJS.Signals): Promise<void> {
		this.resume()
		// PostgreSQL waits up to a minute for a client that connected and says nothing.
		const patience = setTimeout(() => void this.kill(), 10_000)
		await this.#end([this.pid], how)
		clearTimeout(patience)
	}

	async #end(pids: (number | undefined)[], how: NodeJS.Signals): Promise<void> {
		const child = this.#child
		if (!child) return
		const closed = once(child, 'close')
		signal(pids, how)
		await closed
		this.#frozen = []
	}

	#failed(what: string, cause?: unknown): Error {
		return new Error(`${this.name} on port ${this.port} ${what}. Its log:\n${this.#log}`, { cause })
	}
}

/** Starts a server; if it does not become ready, its directory is removed too. */
export async function startServer(spec: ServerSpec): Promise<ServerProcess> {
	const server = new ServerProcess(spec)
	try {
		await server.start()
	} catch (error) {
		await server.close()
		throw error
	}
	return server
}

/** A process that is told to stop still runs until the system has come to tell it. */
async function freeze(pids: number[]): Promise<void> {
	for (;;) {
		signal(pids, 'SIGSTOP')
		if (pids.every(isFrozen)) return
		await new Promise((resolve) => setTimeout(resolve, 5))
	}
}

function signal(pids: (number | undefined)[], how: NodeJS.Signals): void {
	for (const pid of pids) {
		try {
			if (pid) process.kill(pid, how)
		} catch {
			// It has ended by itself in the meantime.
		}
	}
}
