// What Vite makes of a module of an app, for the browser and for production: how large it is, and what of whom it holds.

import { svelte } from '@sveltejs/vite-plugin-svelte'
import { gzipSync } from 'node:zlib'
import { build } from 'vite'

/** @import { Alias, Rolldown } from 'vite' */

/**
 * @typedef {object} Bundle
 * @property {number} size bytes, minified and gzipped
 * @property {number} raw bytes, minified
 * @property {string} code minified
 * @property {{ id: string, length: number }[]} modules what is left of which files, before minifying, the largest first
 */

const entry = '\0entry'

/**
 * Svelte itself is left out, which the app has in any case.
 *
 * @param {string} code of the module
 * @param {string} root folder of the app
 * @param {{ alias?: Alias[], external?: RegExp[] }} [options] where packages lie that the app has not installed, and what
 * else is left out
 * @returns {Promise<Bundle>}
 */
export async function bundle(code, root, { alias = [], external = [] } = {}) {
	const result = await build({
		root,
		configFile: false,
		logLevel: 'error',
		resolve: { alias },
		plugins: [
			svelte({ configFile: false }),
			{
				name: 'entry',
				resolveId: (id) => (id === 'entry' ? entry : null),
				load: (id) => (id === entry ? code : null)
			}
		],
		build: {
			write: false,
			minify: true,
			rolldownOptions: {
				input: 'entry',
				external: [/^svelte($|\/)/, /^node:/, ...external],
				preserveEntrySignatures: 'strict'
			}
		}
	})
	const { output } = /** @type {Rolldown.RolldownOutput} */ (
		Array.isArray(result) ? result[0] : result
	)
	const chunks = output.filter((part) => part.type === 'chunk')
	const text = chunks.map((chunk) => chunk.code).join('')
	const modules = chunks
		.flatMap((chunk) => Object.entries(chunk.modules))
		.filter(([id, { renderedLength }]) => id !== entry && renderedLength > 0)
		.map(([id, { renderedLength }]) => ({ id, length: renderedLength }))
		.sort((one, other) => other.length - one.length)
	return { size: gzipSync(text).length, raw: text.length, code: text, modules }
}
