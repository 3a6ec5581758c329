// Node in several versions, Bun and Deno, as npm packages bring them: what the tests of hosts run. They are installed once,
// and run where they lie. `node scripts/runtimes.mjs` writes their lock file anew.

import { createHash } from 'node:crypto'
import {
	copyFileSync,
	existsSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { npm, root, toolEnv } from './install.mjs'
import { acquire } from './lock.mjs'

const source = join(root, 'tests', 'hosts', 'runtimes')
const cache = join(root, 'node_modules', '.cache', 'runtimes')

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
		readFileSync(join(source, name))
	)
	const digest = createHash('sha1').update(inputs.join('\n')).digest('hex').slice(0, 12)
	const folder = join(cache, newest ? 'newest' : digest)
	mkdirSync(cache, { recursive: true })
	const release = await acquire(`${cache}.lock`)
	try {
		if (newest || !existsSync(folder)) {
			for (const name of readdirSync(cache)) rmSync(join(cache, name), { recursive: true })
			await install(`${folder}.part`, newest ? ['install', '--no-package-lock'] : ['ci'])
			renameSync(`${folder}.part`, folder)
		}
	} finally {
		release()
	}
	return (name) => join(folder, 'node_modules', files[name])
}

/**
 * @param {string} folder
 * @param {string[]} command
 */
async function install(folder, command) {
	mkdirSync(folder, { recursive: true })
	for (const name of readdirSync(source)) copyFileSync(join(source, name), join(folder, name))
	const quietly = ['--no-fund', '--no-audit', '--omit-lockfile-registry-resolved']
	const patiently = ['--prefer-offline', '--fetch-retries=5']
	const options = { cwd: folder, env: await toolEnv(), quiet: true, timeout: 5 * 60_000 }
	const { code, output } = await npm([...command, ...quietly, ...patiently], options)
	if (code !== 0) throw new Error(`npm ${command.join(' ')} failed for the runtimes.\n${output}`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const folder = join(cache, 'lock')
	rmSync(folder, { recursive: true, force: true })
	const lock = 'package-lock.json'
	rmSync(join(source, lock), { force: true })
	await install(folder, ['install', '--package-lock-only'])
	copyFileSync(join(folder, lock), join(source, lock))
	rmSync(folder, { recursive: true })
}
