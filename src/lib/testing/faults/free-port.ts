import { createServer } from 'node:net'

// Below the range from which systems take the ports of outgoing connections: a server that is
// restarted on its port must not find it taken by one of thousands of clients. And above those that `fetch` refuses to talk
// to, the last of which is 10080.
const lowest = 11_000
const highest = 32_000

// Two who ask one after the other, and listen later, must not be given the same.
const given = new Set<number>()

/** Finds a TCP port on loopback that nobody listens on and no outgoing connection is given. */
export async function freePort(): Promise<number> {
	for (let attempt = 0; attempt < 50; attempt++) {
		const port = lowest + Math.floor(Math.random() * (highest - lowest))
		if (given.has(port)) continue
		if (given.size === 1_000) given.clear()
		given.add(port)
		if (await isFree(port)) return port
	}
	throw new Error(`No free port between ${lowest} and ${highest}.`)
}

/** Whether nobody listens on a port of loopback, or keeps it. */
export async function isFree(port: number): Promise<boolean> {
	return (await canListen(port, '127.0.0.1')) && (await canListen(port, keeper))
}

/**
 * Where a port is kept while nobody listens on it, as `isFree()` sees it: a server that is away must find its port again.
 */
const keeper = '::1'

/**
 * Keeps a port from `freePort()`, also that of other processes, while its server is away. Who connects to the keeper is cut
 * off. Without IPv6 nothing is kept.
 *
 * @returns a function that ends this
 */
export function keepPort(port: number): () => void {
	const server = createServer((socket) => socket.destroy())
	server.on('error', () => {})
	server.listen({ port, host: keeper, exclusive: true }).unref()
	return () => server.close()
}

function canListen(port: number, host: string): Promise<boolean> {
	const { promise, resolve } = Promise.withResolvers<boolean>()
	const server = createServer()
	server.once('error', ({ code }: NodeJS.ErrnoException) => {
		// There is no IPv6 here.
		resolve(code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT')
	})
	server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)))
	return promise
}
