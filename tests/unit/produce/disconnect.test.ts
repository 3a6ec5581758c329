import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, expect } from 'vitest'
import type { SseError } from '../../../src/lib/errors.js'
import { produce } from '../../../src/lib/produce/produce.js'
import type { ProducerConnection } from '../../../src/lib/produce/types.js'
import { flushPromises } from '../../../src/lib/testing/flush-promises.js'
import { collectGarbage } from '../../support/garbage.js'
import type { HttpServer } from '../../support/http-server.js'
import { responseOf, StreamLog } from '../../support/stream-log.js'
import { gate, test } from './fixture.js'

/** A client that speaks over a socket of its own, and has got its first bytes. */
async function clientOf(server: HttpServer, body?: string): Promise<Socket> {
	const socket = connect(server.port, '127.0.0.1')
	// It is cut off on purpose.
	socket.on('error', () => {})
	const head = ['POST / HTTP/1.1', 'host: test']
	if (body) head.push('content-type: text/plain', `content-length: ${body.length}`)
	socket.write([...head, '', body ?? ''].join('\r\n') + (body ? '' : '\r\n'))
	await once(socket, 'data')
	return socket
}

const leaving: Record<string, (socket: Socket) => unknown> = {
	'closes its socket': (socket) => socket.destroy(),
	'ends its socket': (socket) => socket.end(),
	'resets its socket': (socket) => socket.resetAndDestroy()
}

describe('a producer learns at once, and without a ping, that a client', () => {
	const bodies: [string, string | undefined, boolean][] = [
		['', undefined, false],
		['with `request`', undefined, true],
		['with `request`, whose body was read', 'a body', true]
	]
	for (const [how, leave] of Object.entries(leaving)) {
		for (const [when, body, withRequest] of bodies) {
			// At once is: while the library's clock stands still.
			test(`${how} ${when}`, async ({ serve, clock: _ }) => {
				const stopped = gate<[reason: string, error: unknown]>()
				let connection!: ProducerConnection
				const server = await serve(async (request) => {
					if (body) await request.text()
					return produce((given) => void (connection = given), {
						ping: false,
						request: withRequest ? request : undefined,
						stop: (_, reason) => stopped.resolve([reason, connection.emit('a', 'x').error])
					})
				})
				const socket = await clientOf(server, body)
				connection.emit('a', '1')
				await once(socket, 'data')
				leave(socket)
				const [reason, error] = await stopped.promise
				expect([reason, error, connection.signal.aborted]).toEqual([
					'gone',
					expect.objectContaining({ code: 'closed' }),
					true
				])
			})
		}
	}

	test('aborts its fetch', async ({ serve }) => {
		const stopped = gate<string>()
		const server = await serve(() =>
			produce(() => {}, { ping: false, stop: (_, reason) => stopped.resolve(reason) })
		)
		const controller = new AbortController()
		const { body } = await fetch(server.url, { signal: controller.signal })
		await body!.getReader().read()
		controller.abort()
		expect(await stopped.promise).toBe('gone')
	})

	test('cancels the body', async ({ serve }) => {
		const stopped = gate<string>()
		const server = await serve(() =>
			produce(() => {}, { ping: false, stop: (_, reason) => stopped.resolve(reason) })
		)
		const { body } = await fetch(server.url)
		await body!.cancel()
		expect(await stopped.promise).toBe('gone')
	})

	test('left before the response was there', async ({ serve }) => {
		const stopped = gate<string>()
		const arrived = gate()
		const answer = gate()
		const server = await serve(async () => {
			arrived.resolve()
			await answer.promise
			return produce(() => {}, { ping: false, stop: (_, reason) => stopped.resolve(reason) })
		})
		const controller = new AbortController()
		const failed = fetch(server.url, { signal: controller.signal }).catch((error) => error.name)
		await arrived.promise
		controller.abort()
		expect(await failed).toBe('AbortError')
		while (server.open > 0) await flushPromises()
		answer.resolve()
		expect(await stopped.promise).toBe('gone')
	})
})

test('a client that stays is not taken for one that left, with `request` and without', async ({
	serve
}) => {
	const connections: ProducerConnection[] = []
	const server = await serve(async (request) => {
		if (request.method === 'POST') await request.text()
		return produce((connection) => void connections.push(connection), { request })
	})
	const logs = await Promise.all(
		[{}, { method: 'POST' }, { method: 'POST', body: 'x' }].map(async (init) => {
			const response = await fetch(server.url, init)
			return new StreamLog(response)
		})
	)
	for (let i = 0; i < 20; i++) {
		await new Promise((resolve) => setTimeout(resolve, 5))
		for (const { emit } of connections) expect(emit('n', i).error).toBe(false)
	}
	for (const { close } of connections) close()
	for (const log of logs) expect((await log.ended).at(-1)).toEqual({ close: 'done' })
})

// The process died of "Controller is already closed" (sse#23, #28, #53): of a write, or a close, after the client left.
test('a producer that goes on after the client left harms nobody', async ({ serve }) => {
	const all: ProducerConnection[] = []
	const server = await serve((request) =>
		produce((connection) => void all.push(connection), {
			request: all.length % 2 ? request : undefined
		})
	)
	const sockets = await Promise.all(Array.from({ length: 20 }, () => clientOf(server)))
	// Some leave with much still on its way to them.
	for (const { emit } of all.slice(0, 10)) emit('a', 'x'.repeat(1_000_000))
	for (const socket of sockets) socket.resetAndDestroy()
	for (let turn = 0; turn < 20; turn++) {
		for (const { emit, close, drained, lock } of all) {
			emit('a', 'x'.repeat(10_000))
			await drained()
			if (turn < 10) continue
			lock.set(false)
			close('error', { retry: 1 })
		}
		await flushPromises()
	}
	// The system may take its time to pass on that they have left.
	await expect
		.poll(() => all.map(({ signal, buffered }) => [signal.aborted, buffered]))
		.toEqual(all.map(() => [true, 0]))
	const response = await fetch(server.url)
	expect(response.status).toBe(200)
	await response.body!.cancel()
})

// sse#6, #12, #41: loops that ran on after every visit of a page.
test('a page that is opened and left again and again leaves no producer running', async ({
	serve
}) => {
	let running = 0
	const server = await serve(() =>
		produce(
			async ({ emit, signal }) => {
				running++
				while (!emit('tick', '').error) await new Promise((resolve) => setTimeout(resolve, 1))
				expect(signal.aborted).toBe(true)
				running--
			},
			{ ping: false }
		)
	)
	for (let visit = 0; visit < 20; visit++) {
		const response = await fetch(server.url)
		const log = new StreamLog(response)
		await log.count(2)
		log.leave()
		await log.ended
	}
	while (running > 0) await flushPromises()
})

test('each client gets every event, in order', async ({ serve }) => {
	const all: ProducerConnection[] = []
	const server = await serve(() => produce((connection) => void all.push(connection)))
	const logs = await Promise.all([1, 2, 3].map(async () => new StreamLog(await fetch(server.url))))
	for (let i = 0; i < 1_000; i++) for (const { emit } of all) emit('n', i)
	for (const { close } of all) close()
	for (const log of logs) {
		await log.ended
		expect(log.data).toEqual(Array.from({ length: 1_000 }, (_, i) => String(i)))
	}
})

test.for(['close', 'refuse', 'drop-oldest'] as const)(
	'of 50 MB a client that does not read costs its buffer and no more, with `%s`',
	async (overflow, { serve }) => {
		let connection!: ProducerConnection
		const maxBuffer = 1024 * 1024
		const server = await serve(() =>
			produce((given) => void (connection = given), { maxBuffer, overflow })
		)
		const socket = await clientOf(server)
		socket.pause()
		gc!()
		const before = memory()
		const data = 'x'.repeat(10_000)
		const codes = new Set<unknown>()
		let most = 0
		for (let sent = 0; sent < 5_000; sent++) {
			const { error } = connection.emit('a', data)
			codes.add(error && (error as SseError).code)
			most = Math.max(most, connection.buffered)
			if (sent % 10 === 0) await flushPromises()
		}
		// Besides the buffer, what the sockets took: some of it is this process's.
		const cost = () => memory() - before
		await collectGarbage(() => cost() < 10 * 1024 * 1024)
		expect(cost()).toBeLessThan(10 * 1024 * 1024)
		expect(most).toBeLessThanOrEqual(maxBuffer)
		expect(most).toBeGreaterThan(maxBuffer - 20_000)
		expect([[...codes], connection.signal.aborted]).toEqual(
			{
				close: [[false, 'overflow', 'closed'], true],
				refuse: [[false, 'overflow'], false],
				'drop-oldest': [[false], false]
			}[overflow]
		)
		socket.destroy()
	}
)

test('a client that reads slowly gets everything from a producer that waits', async ({ serve }) => {
	const count = 2_000
	let most = 0
	const server = await serve(() =>
		produce(async (connection) => {
			for (let i = 0; i < count; i++) {
				connection.emit('n', `${i}`.padEnd(5_000))
				most = Math.max(most, connection.buffered)
				await connection.drained()
			}
			connection.close()
		})
	)
	const { body } = await fetch(server.url)
	// A breath between the chunks.
	const slow = body!.pipeThrough(
		new TransformStream<Uint8Array, Uint8Array>({
			async transform(chunk, controller) {
				await flushPromises()
				controller.enqueue(chunk)
			}
		})
	)
	const log = new StreamLog(responseOf(slow))
	expect((await log.ended).at(-1)).toEqual({ close: 'done' })
	expect(log.data.map((data) => parseInt(data))).toEqual(Array.from({ length: count }, (_, i) => i))
	expect(most).toBeLessThan(200_000)
})

// SvelteKit's bridge looks at the body only when the client reads again; until then the socket is the system's.
test('what a client does not take of the last bytes is dropped, and it is cut off when it reads', async ({
	serve,
	clock
}) => {
	let connection!: ProducerConnection
	const server = await serve(() => produce((given) => void (connection = given), { ping: false }))
	const socket = await clientOf(server)
	socket.pause()
	for (let i = 0; i < 10; i++) connection.emit('a', 'x'.repeat(1_000_000))
	connection.close()
	await flushPromises()
	expect(connection.buffered).toBeGreaterThan(0)
	await clock.advance(31_000)
	expect([connection.buffered, clock.timers]).toEqual([0, 0])
	let end = ''
	socket.on('data', (data) => (end = data.toString()))
	socket.resume()
	await once(socket, 'close')
	expect(end).not.toContain('close done')
})

function memory(): number {
	const { heapUsed, arrayBuffers, external } = process.memoryUsage()
	return heapUsed + Math.max(arrayBuffers, external)
}
