// What a contestant's process loads: the packaged library, and its forerunner, bundled as Vite bundles them into an
// app for production.

import {
	cpSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	rmSync,
	symlinkSync,
	writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { tool } from '../scripts/install.mjs'
import { run } from '../scripts/process.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const variable = 'SVELTEKIT_SSE_BENCH'

/** Where a bundle lies. @param {string} name of a file that `build` made, without its ending */
export function library(name) {
	return pathToFileURL(join(process.env[variable] ?? '', `${name}.js`)).href
}

/** Where a file of the packaged library lies. @param {string} path such as `hub/index.js` */
export function packaged(path) {
	return join(process.env[variable] ?? '', 'dist', path)
}

/** The folder of the page that measures the client, for a browser. */
export function page() {
	return join(process.env[variable] ?? '', 'page')
}

/** The folder of a small app whose remote function is `query.live`. */
export function app() {
	return join(process.env[variable] ?? '', 'app')
}

/** Packages and bundles everything into a temporary folder, which goes with this process. */
export async function build() {
	const folder = mkdtempSync(join(tmpdir(), 'sveltekit-sse-bench-'))
	process.env[variable] = folder
	process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
	for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))
	const dist = join(folder, 'dist')
	// The packaged files import what the library depends on.
	symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction')
	// As the published package says it: what is not used is left out of a bundle.
	writeFileSync(join(folder, 'package.json'), '{ "type": "module", "sideEffects": false }')
	if (!existsSync(join(root, '.svelte-kit/tsconfig.json')))
		await tool('@sveltejs/kit/svelte-kit.js', ['sync'], { quiet: true })
	const made = await tool(
		'@sveltejs/package/svelte-package.js',
		['--output', dist, '--types', 'false'],
		{ quiet: true }
	)
	if (made.code !== 0) throw new Error(`svelte-package failed:\n${made.output}`)
	/** @type {Record<string, string>} */
	const entries = {
		'sveltekit-sse': join(dist, 'index.js'),
		'sveltekit-sse-0.14': join(root, 'node_modules/sveltekit-sse-0.14/dist/index.js')
	}
	const hub = join(dist, 'hub/index.js')
	if (existsSync(hub)) entries.hub = hub
	await bundle(entries, folder, 'server')
	await bundle(
		{ client: join(dist, 'index.js'), 'client-0.14': entries['sveltekit-sse-0.14'] ?? '' },
		folder,
		'client'
	)
	await bundle({ page: join(root, 'bench/page/main.svelte.js') }, page(), 'client', [
		{ find: /^sveltekit-sse$/, replacement: packaged('index.js') }
	])
	await buildApp()
}

/**
 * @param {Record<string, string>} input
 * @param {string} folder
 * @param {'server' | 'client'} side
 * @param {import('vite').Alias[]} [alias]
 */
async function bundle(input, folder, side, alias = []) {
	const { build } = await import('vite')
	const { svelte } = await import('@sveltejs/vite-plugin-svelte')
	await build({
		root,
		configFile: false,
		logLevel: 'error',
		plugins: [svelte({ configFile: false })],
		resolve: { alias },
		ssr: { noExternal: true },
		build: {
			ssr: side === 'server',
			outDir: folder,
			emptyOutDir: false,
			minify: false,
			// So that a profile can say whose code it was.
			sourcemap: true,
			modulePreload: false,
			rolldownOptions: {
				input,
				preserveEntrySignatures: 'strict',
				output: { entryFileNames: '[name].js', chunkFileNames: `${side}-[name]-[hash].js` }
			}
		}
	})
}

const viteConfig = `
import { sveltekit } from '@sveltejs/kit/vite'
const experimental = { remoteFunctions: true }
export default { logLevel: 'error', plugins: [sveltekit({ experimental })] }
`

async function buildApp() {
	mkdirSync(app())
	cpSync(join(root, 'bench/kit'), join(app(), 'src'), { recursive: true })
	writeFileSync(join(app(), 'package.json'), '{ "type": "module" }')
	writeFileSync(join(app(), 'vite.config.js'), viteConfig)
	const vite = join(root, 'node_modules/vite/bin/vite.js')
	const { code, output } = await run(process.execPath, [vite, 'build'], { cwd: app(), quiet: true })
	if (code !== 0) throw new Error(`the app with query.live could not be built:\n${output}`)
}
