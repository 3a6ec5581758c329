import { createHash } from 'node:crypto'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/**
 * A digest of every file's name, size and time of change: the same as long as nothing was touched.
 *
 * @param {string} root
 * @param {string[]} paths files and folders under `root`; those that are not there are left out
 */
export function fingerprint(root, paths) {
	const hash = createHash('sha1')
	const visit = (/** @type {string} */ path) => {
		const info = statSync(path, { throwIfNoEntry: false })
		if (!info) return
		if (info.isDirectory()) for (const name of readdirSync(path).sort()) visit(join(path, name))
		else hash.update(`${path}:${info.size}:${info.mtimeMs}\n`)
	}
	for (const path of paths) visit(join(root, path))
	return hash.digest('hex')
}
