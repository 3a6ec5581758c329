import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** The server that the browser tests stream from. */
export async function startServer(): Promise<{ url: string; close: () => Promise<void> }> {
	const server = createServer((_request, response) => {
		response.writeHead(200, {
			'content-type': 'text/event-stream',
			'access-control-allow-origin': '*'
		})
		response.end('data: hello\n\n')
	})
	server.listen(0, '127.0.0.1')
	await once(server, 'listening')
	const { port } = server.address() as AddressInfo
	return {
		url: `http://127.0.0.1:${port}`,
		async close() {
			server.closeAllConnections()
			server.close()
			await once(server, 'close')
		}
	}
}
