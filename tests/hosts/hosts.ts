import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { installRuntimes, type RuntimeName } from '../../scripts/runtimes.mjs'
import { App, type Major, type Server } from '../support/app.js'

/** The adapters that the app is built with, each in a project of the major version that its last release is for. */
const adapters = {
	node: { name: '@sveltejs/adapter-node', major: 3 },
	bun: { name: 'svelte-adapter-bun', major: 2 },
	vercel: { name: '@sveltejs/adapter-vercel', major: 2 },
	netlify: { name: '@sveltejs/adapter-netlify', major: 2 }
} satisfies Record<string, { name: string; major: Major }>

type Adapter = keyof typeof adapters

/** Something that runs the app. */
export interface Host {
	name: string
	runtime: RuntimeName
	/** Whose project it serves: by its build, or by a server of ours beside it. */
	adapter: Adapter
	/** What the runtime is given to run in the project's folder. */
	args(folder: string): string[]
	/** How a process ends that is told to; otherwise why its platform ends it in another way. */
	exit: { by: number | NodeJS.Signals } | { otherwise: string }
	/** Why a client that does not read keeps the process from its end; by default none does. */
	heldUp?: string
}

const orderly = { by: 0 }
/** With nobody else who listens for the signal, the library passes it on once the streams have ended. */
const signalled = { by: 'SIGTERM' } as const

const build = () => ['build/index.js']
const program = (file: string) => () => [`serve/${file}`]
const granted = (args: () => string[]) => () => ['run', '--allow-all', ...args()]

const node = (version: 'node-22.12' | 'node-24' | 'node-newest'): Host => ({
	name: `adapter-node on ${version.replace('-', ' ')}`,
	runtime: version,
	adapter: 'node',
	args: build,
	exit: orderly
})

export const bunHosts: Host[] = [
	{
		name: 'adapter-node on bun',
		runtime: 'bun',
		adapter: 'node',
		args: build,
		exit: orderly,
		heldUp: 'Bun does not list the open connections, and SHUTDOWN_TIMEOUT ends them'
	},
	{
		name: 'svelte-adapter-bun',
		runtime: 'bun',
		adapter: 'bun',
		args: build,
		exit: orderly
	},
	{
		name: 'Bun.serve',
		runtime: 'bun',
		adapter: 'bun',
		args: program('bun.js'),
		exit: signalled
	}
]

export const hosts: Host[] = [
	node('node-22.12'),
	node('node-24'),
	node('node-newest'),
	...bunHosts,
	{
		name: 'adapter-node on deno',
		runtime: 'deno',
		adapter: 'node',
		args: granted(build),
		exit: orderly
	},
	{
		name: 'Deno.serve',
		runtime: 'deno',
		adapter: 'node',
		args: granted(program('deno.js')),
		exit: signalled
	},
	{
		name: 'the function of adapter-vercel',
		runtime: 'node-24',
		adapter: 'vercel',
		args: (folder) => ['serve/function.js', vercelFunction(folder)],
		exit: { otherwise: 'Vercel ends the processes of functions itself' }
	},
	{
		name: 'the function of adapter-netlify',
		runtime: 'node-24',
		adapter: 'netlify',
		args: () => ['serve/function.js', '.netlify/functions-internal/sveltekit-render.mjs'],
		exit: { otherwise: 'Netlify ends the processes of functions itself' }
	}
]

/** adapter-node's handler as a middleware of an Express app. */
export const express: Host = {
	name: 'express.json() in front of adapter-node',
	runtime: 'node-24',
	adapter: 'node',
	args: program('express.js'),
	exit: signalled
}

/** The file that Vercel is told to call. */
function vercelFunction(folder: string): string {
	const path = join('.vercel', 'output', 'functions', '![-]', 'catchall.func')
	const config = readFileSync(join(folder, path, '.vc-config.json'), 'utf8')
	return join(path, JSON.parse(config).handler)
}

/** The app, built once for each adapter. */
export class Builds {
	readonly #runtimes: (name: RuntimeName) => string
	readonly #apps: Map<Adapter, App>

	private constructor(runtimes: (name: RuntimeName) => string, apps: Map<Adapter, App>) {
		this.#runtimes = runtimes
		this.#apps = apps
	}

	static async make(): Promise<Builds> {
		const apps = new Map<Adapter, App>()
		const builds = new Builds(await installRuntimes(), apps)
		try {
			for (const adapter of Object.keys(adapters) as Adapter[]) {
				const { name, major } = adapters[adapter]
				const app = await App.make(major, 'host')
				apps.set(adapter, app)
				app.copy(new URL('app', import.meta.url))
				const config = app.read('vite.config.ts')
				app.write('vite.config.ts', config.replace(adapters.node.name, name))
				await app.run('build')
			}
			return builds
		} catch (error) {
			await builds[Symbol.asyncDispose]()
			throw error
		}
	}

	/**
	 * Starts a host.
	 *
	 * @param variables that are set beside the port
	 */
	serve(host: Host, variables: NodeJS.ProcessEnv = {}): Promise<Server> {
		const app = this.#apps.get(host.adapter)!
		return app.serve(this.#runtimes(host.runtime), host.args(app.folder), variables)
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const app of this.#apps.values()) await app[Symbol.asyncDispose]()
	}
}
