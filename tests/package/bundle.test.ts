import { relative } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { bundle as bundleOf } from '../../scripts/bundle.mjs'
import { entries } from '../../scripts/entries.mjs'

const { app, library } = inject('packed')

/**
 * What a page pays for `source`, parser included, Svelte itself not: a bundle that grows over this needs a reason.
 */
const limit = 16_260

/** The same for `read`, which needs no Svelte. */
const readLimit = 7_160

// Vite takes it from here which side of `DEV` to build, and Vitest has set it to `test`.
beforeAll(() => void vi.stubEnv('NODE_ENV', 'production'))
afterAll(() => void vi.unstubAllEnvs())

describe('a bundle', () => {
	test('of `source` holds no server code and fits its limit', async () => {
		const { modules, size, shares } = await bundle(`export { source } from 'sveltekit-sse'`)
		expect(modules).toContain('dist/source/source.js')
		expect(
			modules.filter((module) => /^dist\/(produce|hub|brokers|testing)\//.test(module))
		).toEqual([])
		expect(size, `bytes by module before minifying:\n${shares}`).toBeLessThanOrEqual(limit)
	})

	test('of `source` holds nothing that only developers read', async () => {
		const { code } = await bundle(`export { source } from 'sveltekit-sse'`)
		// Of `advice.ts`, `source/check.ts` and `transport.ts`.
		expect(code).not.toMatch(/trustedOrigins|sends its body|an object such as|may be down/)
	})

	test('of `read` holds neither Svelte nor anything of `source`, and fits its limit', async () => {
		const { code, modules, size, shares } = await bundle(
			`export { read } from 'sveltekit-sse/read'`
		)
		expect(modules).toContain('dist/read/read.js')
		expect(
			modules.filter(
				(module) =>
					!/^dist\/(read|link|contract|parts|wire|errors|clock)|^eventsource-parser/.test(module)
			)
		).toEqual([])
		// Svelte would be imported, and the remedies are for developers.
		expect(code).not.toMatch(/\bimport\b|has to be absolute|cannot have a body/)
		expect(size, `bytes by module before minifying:\n${shares}`).toBeLessThanOrEqual(readLimit)
	})

	test('of `produce` holds no client code', async () => {
		const { modules } = await bundle(`export { produce } from 'sveltekit-sse'`)
		expect(modules).toContain('dist/produce/produce.js')
		expect(
			modules.filter((module) =>
				/^dist\/(link|read|tabs|channel|source|hub|testing)\/|\.svelte\.js|eventsource-parser/.test(
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

/** A bundle of an app that has the packed library installed; its modules by their names. */
async function bundle(code: string) {
	const { size, raw, modules, code: text } = await bundleOf(code, app)
	return {
		size,
		raw,
		code: text,
		modules: modules.map(({ id }) => nameOf(id)),
		/** Who takes how much of it, the largest first. */
		shares: modules.map(({ id, length }) => `${length} ${nameOf(id)}`).join('\n')
	}
}

function nameOf(id: string): string {
	return id.startsWith(library) ? relative(library, id) : id.split('node_modules/').at(-1)!
}
