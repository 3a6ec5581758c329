// The library as npm would publish it, for the tests of what users get.

import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fingerprint } from './fingerprint.mjs'
import { npm, root, toolEnv } from './install.mjs'
import { acquire } from './lock.mjs'

const folder = join(root, 'node_modules', '.cache', 'pack')

/** What ends up in the tarball, or decides how it gets there. */
const inputs = [
	'src/lib',
	'package.json',
	'README.md',
	'CHANGELOG.md',
	'LICENSE',
	'svelte.config.js',
	'tsconfig.json'
]

/**
 * Pack the library, unless the last tarball is of what is there.
 *
 * @returns {Promise<string>} path of the tarball
 */
export async function packLibrary() {
	mkdirSync(folder, { recursive: true })
	// svelte-package always works in the same folders.
	const release = await acquire(`${folder}.lock`)
	try {
		const tarball = join(folder, `${fingerprint(root, inputs)}.tgz`)
		if (existsSync(tarball)) return tarball
		for (const name of readdirSync(folder)) rmSync(join(folder, name))
		const { code, output } = await npm(['pack', '--pack-destination', folder], {
			env: await toolEnv(),
			quiet: true
		})
		const [packed] = readdirSync(folder)
		if (code !== 0 || !packed) throw new Error(`npm pack failed.\n${output}`)
		renameSync(join(folder, packed), tarball)
		return tarball
	} finally {
		release()
	}
}
