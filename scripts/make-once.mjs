// Folders that cost minutes to make, such as an installation: each is made once, and kept for all later runs.

import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { npm, root, toolEnv } from './install.mjs'
import { acquire } from './lock.mjs'

/**
 * Make a folder, unless it was made before of the same inputs. A folder that was made of other inputs is removed.
 *
 * @param {string} name that of the folder among the caches
 * @param {string[]} inputs texts that say what it is made of
 * @param {(folder: string) => Promise<void>} make fills the folder, which is empty and lies far from the packages of this
 * 	repository
 * @param {{ always?: boolean }} [options] `always`: make it even if it is there
 * @returns {Promise<string>} the folder; nobody may change it
 */
export async function makeOnce(name, inputs, make, { always = false } = {}) {
	const place = join(root, 'node_modules', '.cache', name)
	const digest = createHash('sha1').update(JSON.stringify(inputs)).digest('hex').slice(0, 12)
	const folder = join(place, always ? 'newest' : digest)
	const release = await acquire(`${place}.lock`)
	try {
		if (existsSync(folder) && !always) return folder
		rmSync(place, { recursive: true, force: true })
		mkdirSync(place, { recursive: true })
		await inTemporaryFolder(name, async (made) => {
			await make(made)
			move(made, folder)
		})
		return folder
	} finally {
		release()
	}
}

/**
 * @param {string} from
 * @param {string} to
 */
function move(from, to) {
	try {
		renameSync(from, to)
	} catch (error) {
		if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EXDEV') throw error
		// It lies on another disk. Half a copy must not be taken for a whole one.
		cpSync(from, `${to}.part`, { recursive: true, verbatimSymlinks: true })
		renameSync(`${to}.part`, to)
	}
}

/**
 * Do something in a temporary folder, which is removed afterwards.
 *
 * @template T
 * @param {string} name part of the folder's name
 * @param {(folder: string) => Promise<T>} use
 */
export async function inTemporaryFolder(name, use) {
	const folder = mkdtempSync(join(tmpdir(), `sveltekit-sse-${name}-`))
	try {
		return await use(folder)
	} finally {
		try {
			rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
		} catch (error) {
			// What went wrong before it matters more.
			console.error(error)
		}
	}
}

/**
 * Install the packages of a folder.
 *
 * @param {string[]} command such as `['ci']`
 * @param {{ cwd: string, env?: NodeJS.ProcessEnv }} options `env`: if it is not that of the tool chain
 */
export async function installPackages(command, { cwd, env }) {
	const quietly = ['--no-fund', '--no-audit', '--omit-lockfile-registry-resolved']
	const patiently = ['--prefer-offline', '--fetch-retries=5']
	const options = { cwd, env: env ?? (await toolEnv()), quiet: true, timeout: 15 * 60_000 }
	const { code, output } = await npm([...command, ...quietly, ...patiently], options)
	if (code !== 0) throw new Error(`npm ${command.join(' ')} failed in ${cwd}.\n${output}`)
}
