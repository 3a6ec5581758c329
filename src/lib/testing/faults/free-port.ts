import { createServer } from 'node:net'

// Below the range from which systems take the ports of outgoing connections: a server that is
// restarted on its port must not find it taken by one of thousands of clients.
const lowest = 10_000
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

/** Whether nobody listens on a port of loopback. */
export function isFree(port: number): Promise<boolean> {
	const { promise, resolve } = Promise.withResolvers<boolean>()
	const server = createServer()
	server.once('error', () => resolve(false))
	server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
		server.close(() => resolve(true))
	})
	return promise
}
