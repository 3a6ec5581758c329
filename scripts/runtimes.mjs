// Node in several versions, Bun and Deno, as npm packages bring them: what the tests of hosts run. They are installed once,
// and run where they lie. `node scripts/runtimes.mjs` writes their lock file anew.

import { copyFileSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { root } from './install.mjs'
import { inTemporaryFolder, installPackages, makeOnce } from './make-once.mjs'

const source = join(root, 'tests', 'hosts', 'runtimes')

const files = /** @type {const} */ ({
	'node-22.12': 'node-22.12/bin/node',
	'node-24': 'node-24/bin/node',
	'node-newest': 'node-newest/bin/node',
	bun: '.bin/bun',
	deno: 'deno/deno'
})

/** @typedef {keyof typeof files} RuntimeName */

/**
 * Install the runtimes that the lock file pins; with NEWEST the newest that package.json allows.
 *
 * @returns {Promise<(name: RuntimeName) => string>} where the program of each is
 */
export async function installRuntimes() {
	const newest = Boolean(process.env.NEWEST)
	const inputs = ['package.json', 'package-lock.json'].map((name) =>
		readFileSync(join(source, name), 'utf8')
	)
	const command = newest ? ['install', '--no-package-lock'] : ['ci']
	const folder = await makeOnce('runtimes', inputs, (made) => install(made, command), {
		always: newest
	})
	return (name) => join(folder, 'node_modules', files[name])
}

/**
 * @param {string} folder
 * @param {string[]} command
 */
function install(folder, command) {
	for (const name of readdirSync(source)) copyFileSync(join(source, name), join(folder, name))
	return installPackages(command, { cwd: folder })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const lock = 'package-lock.json'
	rmSync(join(source, lock), { force: true })
	await inTemporaryFolder('runtimes', async (folder) => {
		await install(folder, ['install', '--package-lock-only'])
		copyFileSync(join(folder, lock), join(source, lock))
	})
}
