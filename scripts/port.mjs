import { createServer } from 'node:net'

// Below the range from which systems take the ports of outgoing connections: what takes a moment to
// start would find it taken by one of them. And above those that `fetch` refuses to talk to, the last of which is 10080.
const lowest = 11_000
const highest = 32_000

/**
 * Whether nobody listens on a port.
 *
 * @param {number} port
 * @returns {Promise<boolean>}
 */
export function isFree(port) {
	return new Promise((resolve, reject) => {
		const server = createServer()
		server.once('error', (error) => {
			const { code } = /** @type {NodeJS.ErrnoException} */ (error)
			if (code === 'EADDRINUSE' || code === 'EACCES') resolve(false)
			else reject(error)
		})
		// On all addresses: the tests keep a port at `::1` while its server is away.
		server.listen(port, () => server.close(() => resolve(true)))
	})
}

/**
 * A port that nobody listens on.
 *
 * @returns {Promise<number>}
 */
export async function freePort() {
	for (;;) {
		const port = lowest + Math.floor(Math.random() * (highest - lowest))
		if (await isFree(port)) return port
	}
}
