import { clock, useClock } from '../../../../src/lib/clock.js'
import { produce } from '../../../../src/lib/produce/produce.js'
import { startHttpServer } from '../../../support/http-server.js'

// A server of streams as adapter-node runs one. With OWN it has a listener for that signal, as adapter-node has; with STILL
// no timer of the library ever fires.

if (process.env.STILL) useClock({ ...clock, setTimeout: () => undefined })

const server = await startHttpServer((request) => {
	const { pathname } = new URL(request.url)
	if (pathname === '/finish') {
		// Resolves when this response, too, has ended.
		void server.close().then(() => process.exit(7))
		return new Response('finished')
	}
	return produce(({ emit }) => {
		if (pathname === '/flood') emit('flood', 'x'.repeat(10_000_000))
	})
})

const own = process.env.OWN
if (own) process.on(own, () => console.log(JSON.stringify({ heard: own })))

console.log(JSON.stringify({ url: server.url }))
