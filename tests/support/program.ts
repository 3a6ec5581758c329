import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { watchOver } from './servers/watchdog.js'

const hooks = new URL('typescript.mjs', import.meta.url).href

/** How a process ended: by its exit code or by a signal. */
export interface Exit {
	code: number | null
	signal: NodeJS.Signals | null
}

/** A TypeScript program in a process of its own, which writes lines of JSON. */
export class Program {
	readonly exit: Promise<Exit>
	#child: ChildProcess
	#lines: unknown[] = []
	#watchers: (() => void)[] = []
	#errors = ''
	#hasEnded = false

	constructor(
		file: URL,
		{ env = {}, flags = [] }: { env?: NodeJS.ProcessEnv; flags?: string[] } = {}
	) {
		const args = ['--disable-warning=ExperimentalWarning', '--import', hooks, ...flags]
		this.#child = spawn(process.execPath, [...args, fileURLToPath(file)], {
			// NODE_OPTIONS of the test runner are not for it.
			env: { ...process.env, NODE_OPTIONS: '', ...env },
			stdio: ['ignore', 'pipe', 'pipe']
		})
		createInterface({ input: this.#child.stdout! }).on('line', (line) => {
			this.#lines.push(JSON.parse(line))
			this.#wake()
		})
		this.#child.stderr!.on('data', (text) => (this.#errors += text))
		const callOff = this.#child.pid ? watchOver(this.#child.pid) : undefined
		this.exit = once(this.#child, 'close').then(([code, signal]) => {
			callOff?.()
			this.#hasEnded = true
			this.#wake()
			return { code, signal }
		})
	}

	/** Lines that nobody has asked for yet. */
	get rest(): unknown[] {
		return [...this.#lines]
	}

	/** What it wrote to stderr. */
	get errors(): string {
		return this.#errors
	}

	/** The next line that it writes. */
	async next<T>(): Promise<T> {
		while (this.#lines.length === 0) {
			if (this.#hasEnded) throw new Error(`The program has ended.\n${this.#errors}`)
			await new Promise<void>((resolve) => this.#watchers.push(resolve))
		}
		return this.#lines.shift() as T
	}

	kill(signal: NodeJS.Signals): void {
		this.#child.kill(signal)
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#child.kill('SIGKILL')
		await this.exit
	}

	#wake(): void {
		for (const resolve of this.#watchers.splice(0)) resolve()
	}
}
