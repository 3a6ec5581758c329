import { clock } from '../clock.js'

interface HttpServer {
	closeIdleConnections(): void
}

/** Milliseconds for which requests that end are gathered. */
const gathered = 10

/**
 * Lets the HTTP servers of a Node process that is about to end look for idle connections once for many requests that end
 * together; elsewhere it does nothing.
 *
 * adapter-node looks each time that a request ends, and each time Node goes through all connections: for ten thousand
 * streams that end together these are a hundred million steps, half a minute in which the process does nothing else.
 *
 * @param host the global `process`
 * @returns what makes the servers as they were
 */
export function gatherIdleChecks(host: { getBuiltinModule?(name: string): unknown }): () => void {
	const http = host.getBuiltinModule?.('node:http') as { Server?: { prototype: HttpServer } }
	const servers = http?.Server?.prototype
	if (typeof servers?.closeIdleConnections !== 'function') return () => {}
	const closeNow = servers.closeIdleConnections
	const waiting = new Set<HttpServer>()
	servers.closeIdleConnections = function closeSoon(this: HttpServer) {
		if (waiting.has(this)) return
		waiting.add(this)
		clock.setTimeout(() => {
			waiting.delete(this)
			closeNow.call(this)
		}, gathered)
	}
	return () => void (servers.closeIdleConnections = closeNow)
}
