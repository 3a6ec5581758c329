import { createServer } from 'node:net'

/**
 * Whether nobody listens on a port.
 *
 * @param {number} port
 * @returns {Promise<boolean>}
 */
export async function isFree(port) {
	return (await tryPort(port)) !== undefined
}

/**
 * A port that nobody listens on.
 *
 * @returns {Promise<number>}
 */
export async function freePort() {
	return /** @type {number} */ (await tryPort(0))
}

/**
 * @param {number} port
 * @returns {Promise<number | undefined>}
 */
function tryPort(port) {
	return new Promise((resolve, reject) => {
		const server = createServer()
		server.once('error', (error) => {
			const { code } = /** @type {NodeJS.ErrnoException} */ (error)
			if (code === 'EADDRINUSE' || code === 'EACCES') resolve(undefined)
			else reject(error)
		})
		server.listen(port, '0.0.0.0', () => {
			const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
			server.close(() => resolve(port))
		})
	})
}
