import { connect } from 'node:net'

/**
 * Says something to a loopback port and waits for an answer.
 *
 * Resolves with what was read once it matches `expected`; rejects if the connection fails, ends
 * before, or nothing fitting comes within `timeout` milliseconds.
 */
export function handshake(
	port: number,
	hello: string | Uint8Array,
	expected: RegExp,
	timeout = 2_000
): Promise<string> {
	const { promise, resolve, reject } = Promise.withResolvers<string>()
	const socket = connect({ port, host: '127.0.0.1' })
	let read = ''
	socket.setTimeout(timeout, () => socket.destroy(new Error(`no answer, only: ${read}`)))
	socket.on('data', (bytes) => {
		read += bytes.toString('latin1')
		if (!expected.test(read)) return
		resolve(read)
		socket.destroy()
	})
	socket.on('error', reject)
	socket.on('close', () => reject(new Error(`connection closed, answer: ${read}`)))
	socket.write(hello)
	return promise
}
