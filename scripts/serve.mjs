// Runs the built site in the process that `startApp` makes, or in several that share its port, and says when it listens.

import { once } from 'node:events'

// The starter may be killed in a way that lets it pass nothing on.
process.on('disconnect', () => process.exit(0))

if (Number(process.env.PROCESSES) > 1 && !process.env.PROCESS) {
	const { startProcesses } = await import('./processes.mjs')
	await startProcesses(Number(process.env.PROCESSES))
} else {
	// Clients of databases would keep a process alive that has shut down.
	process.once('sveltekit:shutdown', () => process.exit(0))
	const { server } = await import(new URL('../build/index.js', import.meta.url).href)
	if (!server.server.listening) await once(server.server, 'listening')
}
process.send?.('listening')
// The channel alone must not keep a server alive that has shut down.
process.channel?.unref()
