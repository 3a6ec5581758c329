import type { TestProject } from 'vitest/node'
import { startServer } from './server.js'

declare module 'vitest' {
	interface ProvidedContext {
		/** Address of the server that the browser tests stream from. */
		serverUrl: string
		/** Whether components may `await`. */
		isAsync: boolean
	}
}

/** A real server for real components: it lives as long as the run. */
export default async function setup(project: TestProject) {
	const server = await startServer()
	project.provide('serverUrl', server.url)
	return () => server.close()
}
