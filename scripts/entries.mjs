// The entry points of the package and the source file behind each: `exports` is the one list of
// them, and the demo, the tests and the compiler read it from there.

import { readFileSync } from 'node:fs'

const root = new URL('..', import.meta.url)

/**
 * @returns {{ name: string, dist: string, types: string, source: string }[]} paths from the root of
 * the repository; longer names first, so that a prefix match finds `sveltekit-sse/hub` before
 * `sveltekit-sse`
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
		.sort((one, other) => other.name.length - one.name.length)
}

/** Each entry's name and its source, as `kit.alias` wants it. */
export function aliases() {
	return Object.fromEntries(entries().map(({ name, source }) => [name, source]))
}
