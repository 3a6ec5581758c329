import { svelte } from '@sveltejs/vite-plugin-svelte'
import { relative } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build, type Rolldown } from 'vite'
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { entries } from '../../scripts/entries.mjs'

const { app, library } = inject('packed')

/**
 * What a page pays for `source`, parser included, Svelte itself not. A sixth of it is the parser, a third what keeps a
 * connection alive: a bundle that grows over this needs a reason.
 */
const limit = 10_000

// Vite takes it from here which side of `DEV` to build, and Vitest has set it to `test`.
beforeAll(() => void vi.stubEnv('NODE_ENV', 'production'))
afterAll(() => void vi.unstubAllEnvs())

describe('a bundle', () => {
	test('of `source` holds no server code and fits its limit', async () => {
		const { modules, size, shares } = await bundle(`export { source } from 'sveltekit-sse'`)
		expect(modules).toContain('dist/source.js')
		expect(
			modules.filter((module) => /^dist\/(produce|hub|brokers|testing)\//.test(module))
		).toEqual([])
		expect(size, `bytes by module before minifying:\n${shares}`).toBeLessThanOrEqual(limit)
	})

	test('of `produce` holds no client code', async () => {
		const { modules } = await bundle(`export { produce } from 'sveltekit-sse'`)
		expect(modules).toContain('dist/produce/produce.js')
		expect(
			modules.filter((module) =>
				/^dist\/(link|tabs|channel|hub|testing)\/|source\.js|\.svelte\.js|eventsource-parser/.test(
					module
				)
			)
		).toEqual([])
	})

	test('of an import that is not used is empty', async () => {
		const { modules } = await bundle(`import 'sveltekit-sse'`)
		expect(modules).toEqual([])
	})

	test('of every entry builds, and its size is known', async () => {
		const sizes: Record<string, string> = {}
		for (const { name } of entries()) {
			const { size, raw } = await bundle(`export * from '${name}'`)
			sizes[name] = `${(raw / 1000).toFixed(1)} kB, ${(size / 1000).toFixed(1)} kB gzipped`
		}
		for (const verb of ['source', 'produce']) {
			const { size, raw } = await bundle(`export { ${verb} } from 'sveltekit-sse'`)
			sizes[`{ ${verb} }`] = `${(raw / 1000).toFixed(1)} kB, ${(size / 1000).toFixed(1)} kB gzipped`
		}
		console.log(
			Object.entries(sizes)
				.map(([name, size]) => `${name.padEnd(24)} ${size}`)
				.join('\n')
		)
	})
})

interface Bundle {
	/** What is left of which files. */
	modules: string[]
	/** Bytes, minified and gzipped. */
	size: number
	/** Bytes, minified. */
	raw: number
	/** Who takes how much of it, the largest first. */
	shares: string
}

/** What Vite makes of a module of an app, for the browser and for production. */
async function bundle(code: string): Promise<Bundle> {
	const entry = '\0entry'
	const result = await build({
		root: app,
		configFile: false,
		logLevel: 'error',
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
				external: [/^svelte($|\/)/, /^node:/],
				preserveEntrySignatures: 'strict'
			}
		}
	})
	const { output } = (Array.isArray(result) ? result[0] : result) as Rolldown.RolldownOutput
	const chunks = output.filter((part) => part.type === 'chunk')
	const text = chunks.map((chunk) => chunk.code).join('')
	const modules = chunks
		.flatMap((chunk) => Object.entries(chunk.modules))
		.filter(([id, module]) => id !== entry && module.renderedLength > 0)
		.sort(([, one], [, other]) => other.renderedLength - one.renderedLength)
		.map(([id, module]) => ({ name: nameOf(id), length: module.renderedLength }))
	return {
		modules: modules.map(({ name }) => name),
		size: gzipSync(text).length,
		raw: text.length,
		shares: modules.map(({ name, length }) => `${length} ${name}`).join('\n')
	}
}

function nameOf(id: string): string {
	return id.startsWith(library) ? relative(library, id) : id.split('node_modules/').at(-1)!
}
