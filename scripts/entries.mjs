// The entry points of the package and the source file behind each: `exports` is the one list of
// them, and the demo, the tests and the compiler read it from there.

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = new URL('..', import.meta.url)

/**
 * @returns {{ name: string, dist: string, types: string, source: string }[]} paths from the root of
 * the repository
 */
export function entries() {
	const { name, exports } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))
	return Object.entries(exports)
		.filter(([, target]) => typeof target === 'object')
		.map(([path, target]) => {
			const dist = target.default.slice('./'.length)
			return {
				name: path.replace('.', name),
				dist,
				types: target.types.slice('./'.length),
				source: dist.replace(/^dist\//, 'src/lib/').replace(/\.js$/, '.ts')
			}
		})
}

/**
 * For Vite's `resolve.alias`: the demo and the tests import the library by its published names, and
 * get its sources.
 */
export function aliases() {
	return entries().map(({ name, source }) => ({
		find: new RegExp(`^${name}$`),
		replacement: fileURLToPath(new URL(source, root))
	}))
}
