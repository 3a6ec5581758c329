import adapter from '@sveltejs/adapter-node'
import { entries } from './scripts/entries.mjs'

/** @type {import('@sveltejs/kit').Config} */
export default {
	kit: {
		adapter: adapter(),
		typescript: {
			config(config) {
				// The library by its published names. Not as `kit.alias`: svelte-package would put relative
				// paths in their place, in the examples of doc comments too.
				for (const { name, source } of entries()) {
					config.compilerOptions.paths[name] = [`../${source}`]
				}
				config.include.push(
					'../*.config.js',
					'../*.config.ts',
					'../scripts/**/*.mjs',
					'../bench/**/*.mjs',
					'../bench/**/*.ts'
				)
				// Apps with dependencies of their own, checked where they are installed.
				config.exclude.push(
					'../tests/compat/*/**',
					'../tests/hosts/*/**',
					'../tests/examples/apps/**'
				)
			}
		}
	}
}
