// npm run demo: installs what is missing, builds the demo site for production and serves it.

import { buildApp, startApp } from './app.mjs'
import { sharedEngine } from './engine.mjs'
import { ensureInstalled } from './install.mjs'
import { isFree } from './port.mjs'
import { fail, onStop, stopChildren } from './process.mjs'

const port = Number(process.env.PORT || 3000)
if (!Number.isInteger(port) || port < 1 || port > 65_535) {
	fail(`PORT=${process.env.PORT} is not a port. Give a number from 1 to 65535.`)
}
const processes = Number(process.env.PROCESSES || 1)
if (!Number.isInteger(processes) || processes < 1 || processes > 16) {
	fail(`PROCESSES=${process.env.PROCESSES} is no number of processes. Give one from 1 to 16.`)
}

/** @type {import('./app.mjs').App | undefined} */
let app
let stopping = false

onStop(async () => {
	stopping = true
	stopChildren()
	await app?.stop()
	process.exit(0)
})

try {
	await demo()
} catch (error) {
	if (!stopping) fail(error instanceof Error ? error.message : String(error))
}

async function demo() {
	// Before the build, so that nobody waits a minute to be told.
	if (!(await isFree(port))) {
		fail(`Port ${port} is in use. Choose another one: PORT=${port + 1} npm run demo`)
	}
	const engine = processes > 1 ? await sharedEngine() : undefined
	await ensureInstalled()
	console.log('Building the demo site …')
	await buildApp({ quiet: true })
	if (stopping) return
	const { SHUTDOWN_TIMEOUT = '5' } = process.env
	const env = { SHUTDOWN_TIMEOUT, ...engine?.env }
	app = await startApp({ port, env, quiet: true })
	if (stopping) return app.stop()
	console.log(`\n  The demo is live at ${app.url}`)
	if (engine) console.log(`  ${processes} processes share ${engine.name}: see ${app.url}/machines`)
	console.log('  Ctrl-C stops it.\n')
	const code = await app.exited
	if (!stopping) fail(`The demo server ended by itself (${code}).`)
}
