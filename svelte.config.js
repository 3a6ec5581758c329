import adapter from '@sveltejs/adapter-node'
import { aliases } from './scripts/entries.mjs'

/** @type {import('@sveltejs/kit').Config} */
export default {
	kit: {
		adapter: adapter(),
		// The demo and the tests import the library by its published names.
		alias: aliases(),
		typescript: {
			config(config) {
				config.include.push(
					'../*.config.js',
					'../*.config.ts',
					'../scripts/**/*.mjs',
					'../bench/**/*.mjs',
					'../bench/**/*.ts'
				)
				// Apps with dependencies of their own, checked where they are installed.
				config.exclude.push('../tests/compat/kit2/**', '../tests/compat/kit3/**')
			}
		}
	}
}
