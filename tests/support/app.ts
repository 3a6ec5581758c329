import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { npm } from '../../scripts/install.mjs'
import { makeProject, shellEnv, type Kind, type Major } from '../../scripts/kit.mjs'
import { freePort } from '../../scripts/port.mjs'
import { watchOver } from './servers/watchdog.js'

export type { Kind, Major }

const wrangler = ['node_modules/wrangler/bin/wrangler.js', 'dev']

/** How an app is run. Each says that it listens by a line that matches. */
const servers = {
	build: { args: ['build'], ready: /Listening/ },
	dev: { args: ['node_modules/vite/bin/vite.js', 'dev', '--strictPort'], ready: /Local:/ },
	preview: { args: ['node_modules/vite/bin/vite.js', 'preview', '--strictPort'], ready: /Local:/ },
	/** With the hub's Worker beside the app's. */
	workers: {
		args: [...wrangler, '-c', 'wrangler.jsonc', '-c', 'hub/wrangler.jsonc'],
		ready: /Ready on/
	},
	hub: { args: [...wrangler, '-c', 'hub/wrangler.jsonc'], ready: /Ready on/ }
}

/** How long a server may take to listen, in ms: what starts one outside of a test has no time limit of its own. */
const patience = 90_000

export interface Server {
	port: number
	/** Its address, by the name that is printed to people. */
	url: string
	/** What it has printed. */
	output(): string
	/** Asks it to end. Resolves with its exit code, or with the signal that ended it; SIGKILL if it took more than 20 s. */
	stop(): Promise<number | NodeJS.Signals>
	[Symbol.asyncDispose](): Promise<void>
}

/** A SvelteKit project in a folder of its own, as the official scaffolder made it, with the packed library. */
export class App {
	#servers = new Set<Server>()

	/** @param folder of the project, which goes with the app */
	constructor(
		readonly folder: string,
		readonly major: Major
	) {}

	static async make(major: Major, kind: Kind): Promise<App> {
		return new App(await makeProject(major, kind), major)
	}

	write(path: string, text: string): void {
		const file = join(this.folder, path)
		mkdirSync(dirname(file), { recursive: true })
		writeFileSync(file, text)
	}

	/** Puts the files of a folder into the project. */
	copy(folder: URL): void {
		cpSync(fileURLToPath(folder), this.folder, { recursive: true })
	}

	read(path: string): string {
		return readFileSync(join(this.folder, path), 'utf8')
	}

	/** Runs a script of the project's package.json. Resolves with its output; throws with it if the script fails. */
	async run(script: 'build' | 'check' | 'gen' | 'test:unit', ...args: string[]): Promise<string> {
		const options = { cwd: this.folder, env: await shellEnv(), quiet: true }
		const { code, output } = await npm(['run', script, '--', ...args], options)
		const plain = stripVTControlCharacters(output)
		if (code !== 0)
			throw new Error(`npm run ${script} failed on SvelteKit ${this.major}.\n${plain}`)
		return plain
	}

	/**
	 * Serves the app: `node build`, `vite dev`, `vite preview` or `wrangler dev`. Nothing but the port is set.
	 *
	 * @param variables that the app itself asks for
	 * @throws with its output, if it ends before it listens, or does not listen in 90 s
	 */
	async start(how: keyof typeof servers, variables: NodeJS.ProcessEnv = {}): Promise<Server> {
		const { args, ready } = servers[how]
		if (how === 'build') return this.serve(process.execPath, args, variables)
		const port = await freePort()
		return this.#listen(process.execPath, [...args, '--port', String(port)], ready, variables, port)
	}

	/**
	 * Serves the app by any program that takes its port from PORT and says when it listens.
	 *
	 * @param variables that are set beside the port
	 * @throws with its output, if it ends before it listens, or does not listen in 90 s
	 */
	async serve(command: string, args: string[], variables: NodeJS.ProcessEnv = {}): Promise<Server> {
		const port = await freePort()
		const env = { ...variables, PORT: String(port) }
		return this.#listen(command, args, /Listening/, env, port)
	}

	async #listen(
		command: string,
		args: string[],
		ready: RegExp,
		variables: NodeJS.ProcessEnv,
		port: number
	): Promise<Server> {
		const env = { ...(await shellEnv()), ...variables }
		const { server, listening } = launch(this.folder, command, args, ready, env, port)
		// One that never listens is stopped with the app too.
		this.#servers.add(server)
		await listening
		return server
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await Promise.all([...this.#servers].map((server) => server.stop()))
		rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 })
	}
}

function launch(
	cwd: string,
	command: string,
	args: string[],
	ready: RegExp,
	env: NodeJS.ProcessEnv,
	port: number
): { server: Server; listening: Promise<void> } {
	const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
	const callOff = child.pid ? watchOver(child.pid, cwd) : undefined
	let output = ''
	const exited = new Promise<number | NodeJS.Signals>((resolve) => {
		child.once('close', (code, signal) => {
			callOff?.()
			resolve((code ?? signal)!)
		})
	})
	const listening = new Promise<void>((resolve, reject) => {
		const refuse = (how: string) =>
			reject(new Error(`The app ${how}: ${command} ${args.join(' ')}\n${output}`))
		const late = setTimeout(() => refuse(`did not listen in ${patience / 1000} s`), patience)
		const hear = (text: unknown) => {
			output += text
			if (!ready.test(output)) return
			clearTimeout(late)
			resolve()
		}
		child.stdout.on('data', hear)
		child.stderr.on('data', hear)
		child.once('error', reject)
		void exited.then(() => {
			clearTimeout(late)
			refuse('ended before it listened')
		})
	})
	const stop = async () => {
		if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
		const late = setTimeout(() => child.kill('SIGKILL'), 20_000)
		const end = await exited
		clearTimeout(late)
		return end
	}
	const url = `http://localhost:${port}`
	const dispose = async () => void (await stop())
	const server = { port, url, output: () => output, stop, [Symbol.asyncDispose]: dispose }
	return { server, listening }
}
