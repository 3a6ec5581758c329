// The library as npm would publish it, for the tests of what users get.

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fingerprint } from './fingerprint.mjs'
import { npm, root, toolEnv } from './install.mjs'
import { makeOnce } from './make-once.mjs'

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
	// svelte-package always works in the same folders: only one may run at a time, which `makeOnce` sees to.
	const folder = await makeOnce('pack', [fingerprint(root, inputs)], async (made) => {
		const env = await toolEnv()
		const { code, output } = await npm(['pack', '--pack-destination', made], { env, quiet: true })
		if (code !== 0 || readdirSync(made).length === 0) throw new Error(`npm pack failed.\n${output}`)
	})
	const [tarball] = readdirSync(folder)
	return join(folder, /** @type {string} */ (tarball))
}
