import { entries } from '../../scripts/entries.mjs'
import { bundle } from '../../scripts/bundle.mjs'
import { root } from '../../scripts/install.mjs'
import { packaged } from '../build.mjs'

/** @import { Table } from '../types.js' */

const parts = [
	["{ source } of 'sveltekit-sse'", `export { source } from 'sveltekit-sse'`],
	["{ produce } of 'sveltekit-sse'", `export { produce } from 'sveltekit-sse'`],
	...entries().map(({ name }) => [`all of '${name}'`, `export * from '${name}'`])
]
const others = [
	['{ source } of sveltekit-sse 0.14.3', `export { source } from 'sveltekit-sse-0.14'`],
	['{ produce } of sveltekit-sse 0.14.3', `export { produce } from 'sveltekit-sse-0.14'`],
	['{ createParser } of eventsource-parser', `export { createParser } from 'eventsource-parser'`],
	['{ createResponse } of better-sse', `export { createResponse } from 'better-sse'`],
	['{ streamSSE } of Hono', `export { streamSSE } from 'hono/streaming'`]
]

/** What an app's bundle grows by. */
export const bundleSize = {
	name: 'bundle-size',
	/** @returns {Promise<Table>} */
	async run() {
		const alias = entries().map(({ name, dist }) => ({
			find: new RegExp(`^${name}$`),
			replacement: packaged(dist.replace(/^dist\//, ''))
		}))
		const rows = []
		for (const [name = '', code = ''] of [...parts, ...others]) {
			// What users bring themselves: the clients of their brokers, and their codec.
			const external = [/^@nats-io\//, /^(redis|pg|devalue)$/]
			const { size, raw } = await bundle(code, root, { alias, external })
			const isOwn = parts.some(([own]) => own === name)
			rows.push({ name, isOwn, values: [size / 1_000], more: { 'kB minified': [raw / 1_000] } })
		}
		return {
			name: 'bundle-size',
			title: 'Bundle size',
			text: 'Minified and gzipped, for a browser, with what it depends on but Svelte and the clients of brokers.',
			unit: 'kB',
			better: 'less',
			targets: [],
			rows
		}
	}
}
