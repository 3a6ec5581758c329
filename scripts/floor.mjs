// Runs tests on the lowest versions of other packages that package.json claims to work with: in a folder of their own, since
// these versions need tools of their time. `node scripts/floor.mjs` writes the lock file of that folder anew.

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureNode, root, toolEnv } from './install.mjs'
import { inTemporaryFolder, installPackages, makeOnce } from './make-once.mjs'
import { run } from './process.mjs'

/** The packages of this repository that the tests use there too. */
const shared = [
	'@nats-io/transport-node',
	'@sveltejs/kit',
	'@types/node',
	'@vitest/browser-playwright',
	'fast-check',
	'jsdom',
	'playwright',
	'sveltekit-sse-0.14',
	'valibot',
	'vitest',
	'vitest-browser-svelte'
]

/** The newest tools that take the lowest Svelte. */
const ofTheirTime = { '@sveltejs/vite-plugin-svelte': '^6.2.4', vite: '^7.0.0' }

/** What the tests are made of. */
const sources = [
	'src/lib',
	'scripts',
	'tests/brokers',
	'tests/browser',
	'tests/jsdom',
	'tests/support',
	'tests/unit',
	'vitest.config.ts'
]

/** The tests in which the versions matter. No others are there, so that whatever narrows a run down narrows these. */
const tests =
	/^tests\/(brokers\/(nats|postgres|redis)|browser\/(components|deriving|following|holding)|jsdom\/.*|unit\/contract\/stream)\.test\.ts$/

const lockFile = join(root, 'tests', 'floor', 'package-lock.json')

/**
 * Run Vitest on the lowest versions.
 *
 * @param {string[]} args
 * @param {{ env: NodeJS.ProcessEnv, left: () => number, quiet: boolean, work: string }} options `work` is a folder for files
 * 	of this run, far from the packages of this repository, which must not fill in for missing ones
 */
export async function vitestOnFloor(args, { work, left, ...options }) {
	const folder = mkdtempSync(join(work, 'floor-'))
	try {
		cpSync(await installed(), folder, { recursive: true, verbatimSymlinks: true })
		for (const path of sources) {
			cpSync(join(root, path), join(folder, path), { recursive: true, filter: isWanted })
		}
		const vitest = join(folder, 'node_modules', 'vitest', 'vitest.mjs')
		const env = await toolEnv(options.env)
		// What is left now, after an installation that may have taken minutes.
		const own = { ...options, timeout: left(), cwd: folder, env }
		return await run(await ensureNode(), [vitest, ...args], own)
	} finally {
		rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
	}
}

/** @param {string} path */
function isWanted(path) {
	return !path.endsWith('.test.ts') || tests.test(relative(root, path).replaceAll('\\', '/'))
}

/** The folder of an installation, made once for all runs. */
function installed() {
	const lock = readFileSync(lockFile, 'utf8')
	return makeOnce('floor', [lock, manifest()], (folder) => install(folder, lock))
}

/**
 * @param {string} folder
 * @param {string} [lock] what the packages are pinned by
 */
function install(folder, lock) {
	writeFileSync(join(folder, 'package.json'), manifest())
	if (lock) writeFileSync(join(folder, 'package-lock.json'), lock)
	return installPackages([lock ? 'ci' : 'install'], { cwd: folder })
}

/** A package.json like ours, with the lowest version of each package that users bring along. */
function manifest() {
	const own = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
	const { name, type, exports, dependencies, devDependencies, peerDependencies } = own
	const devs = Object.fromEntries(shared.map((name) => [name, devDependencies[name]]))
	for (const [name, range] of Object.entries(peerDependencies)) {
		if (!shared.includes(name)) devs[name] = /\d+\.\d+\.\d+/.exec(range)?.[0]
	}
	const all = { ...devs, ...ofTheirTime }
	return `${JSON.stringify({ name, type, exports, dependencies, devDependencies: all }, undefined, '\t')}\n`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	await inTemporaryFolder('floor', async (folder) => {
		await install(folder)
		cpSync(join(folder, 'package-lock.json'), lockFile)
	})
}
