import type { TestProject } from 'vitest/node'
import { buildApp, startApp } from '../../scripts/app.mjs'
import { ensureBrowser } from '../../scripts/browser.mjs'

declare module 'vitest' {
	interface ProvidedContext {
		/** Address of the demo site, built for production and served by adapter-node. */
		baseUrl: string
		/** Path of the Chromium that drives it. */
		chromiumPath: string
	}
}

/** One site for the whole run, as `npm run demo` serves it. */
export default async function setup(project: TestProject) {
	project.provide('chromiumPath', await ensureBrowser())
	await buildApp({ quiet: true })
	const app = await startApp({ quiet: true, env: { SHUTDOWN_TIMEOUT: '2' } })
	project.provide('baseUrl', app.url)
	return () => app.stop()
}
