import type { TestProject } from 'vitest/node'
import { ensureBrowser } from '../../scripts/browser.mjs'
import { missingRegistry } from '../../scripts/registry.mjs'
import { buildSite } from './kit3.js'

declare module 'vitest' {
	interface ProvidedContext {
		/** Why there is no site to test; empty if there is one. */
		missing: string
	}
}

/** One site for the whole run, as a newcomer to SvelteKit 3 serves it: `node build`, and nothing set but the port. */
export default async function setup(project: TestProject) {
	const missing = await missingRegistry()
	project.provide('missing', missing ?? '')
	project.provide('chromiumPath', await ensureBrowser())
	if (missing) return project.provide('baseUrl', 'http://localhost')
	const app = await buildSite()
	try {
		project.provide('baseUrl', (await app.start('build')).url)
	} catch (error) {
		await app[Symbol.asyncDispose]()
		throw error
	}
	return () => app[Symbol.asyncDispose]()
}
