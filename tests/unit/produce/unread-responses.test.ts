import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { expect } from 'vitest'
import { produce } from '../../../src/lib/produce/produce.js'
import type { ProducerConnection } from '../../../src/lib/produce/types.js'
import { cutOffUnread } from '../../../src/lib/produce/unread-responses.js'
import { test } from './fixture.js'

/** More than the kernel takes for a client that does not read. */
const flood = 'x'.repeat(12_000_000)

test('who does not read a stream is cut off, and nobody else', async ({ serve }) => {
	const streams = new Map<string, ProducerConnection>()
	const server = await serve((request) => {
		const { pathname } = new URL(request.url)
		if (pathname === '/download') return new Response(flood)
		if (pathname === '/foreign') {
			return new Response(flood, { headers: { 'content-type': 'text/event-stream' } })
		}
		return produce((connection) => {
			streams.set(pathname, connection)
			if (pathname === '/flood') connection.emit('flood', flood)
		})
	})
	using stack = new DisposableStack()
	const [unread, idle, download, foreign] = await Promise.all(
		['/flood', '/idle', '/download', '/foreign'].map(async (path) => {
			const socket = connect({ port: server.port, host: '127.0.0.1' })
			stack.defer(() => void socket.destroy())
			// Asks, and reads no further than the beginning of the response.
			socket.write(`POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n`)
			await once(socket, 'readable')
			return socket
		})
	)
	// Node's types do not know the list.
	const host: object = process
	const cutOff = () => {
		cutOffUnread(host)
		return server.open
	}
	await expect.poll(cutOff).toBe(3)
	expect(await received(unread!)).toBeLessThan(flood.length)
	expect(await received(download!, flood.length)).toBeGreaterThan(flood.length)
	expect(await received(foreign!, flood.length)).toBeGreaterThan(flood.length)
	cutOff()
	streams.get('/idle')!.emit('late', 'x'.repeat(1_000))
	expect(await received(idle!, 1_000)).toBeGreaterThan(1_000)
})

test('where Node has no such list, and for what is no response, nothing is done', () => {
	const handles = [{}, { _httpMessage: null }, { _httpMessage: { writableLength: 1 } }]
	expect(() => cutOffUnread({ _getActiveHandles: () => handles })).not.toThrow()
	expect(() => cutOffUnread({})).not.toThrow()
})

/** Reads on, until more than this many bytes have come or the connection has ended; gives how many came. */
async function received(socket: Socket, most = Infinity): Promise<number> {
	let count = 0
	// However it ended.
	socket.on('error', () => {})
	await new Promise<void>((resolve) => {
		socket.on('close', () => resolve())
		socket.on('data', ({ length }) => {
			count += length
			if (count > most) resolve()
		})
	})
	return count
}
