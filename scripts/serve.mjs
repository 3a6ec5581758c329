// Runs the built site in the process that `startApp` makes, and says when it listens.

import { once } from 'node:events'

// The starter may be killed in a way that lets it pass nothing on.
process.on('disconnect', () => process.exit(0))

const { server } = await import(new URL('../build/index.js', import.meta.url).href)
if (!server.server.listening) await once(server.server, 'listening')
process.send?.('listening')
// The channel alone must not keep a server alive that has shut down.
process.channel?.unref()
