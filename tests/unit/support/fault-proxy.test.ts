import { once } from 'node:events'
import { Agent, get } from 'node:http'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { describe, expect, test as base } from 'vitest'
import { startFaultProxy, type FaultProxy } from '../../support/fault-proxy.js'
import { startHttpServer, type HttpServer } from '../../support/http-server.js'
import { hasIPv6, isFree } from '../../support/ports.js'
import { Program } from '../../support/program.js'
import { Random } from '../../support/random.js'

/** Milliseconds that the system may take for what it does at once, on a machine that has much else to do. */
const patience = 20_000

/** One end of a connection and everything that happened to it. */
class End {
	readonly socket: Socket
	readonly chunks: string[] = []
	readonly log: string[] = []
	#changed = () => {}

	constructor(socket: Socket) {
		this.socket = socket
		socket.setNoDelay(true)
		socket.on('data', (chunk) => {
			this.chunks.push(chunk.toString())
			this.#changed()
		})
		socket.on('end', () => this.#note('FIN'))
		socket.on('error', (error: NodeJS.ErrnoException) => this.#note(error.code ?? error.message))
	}

	get text() {
		return this.chunks.join('')
	}

	/** Resolves once this much was read, or this was noted. */
	async until(what: string | (() => boolean)) {
		const done = typeof what === 'function' ? what : () => this.log.includes(what)
		while (!done()) await new Promise<void>((resolve) => (this.#changed = resolve))
	}

	async reads(text: string) {
		await this.until(() => this.text.length >= text.length)
		expect(this.text).toBe(text)
	}

	#note(what: string) {
		this.log.push(what)
		this.#changed()
	}
}

interface Pair {
	client: End
	server: End
}

interface Wire {
	proxy: FaultProxy
	/** Opens a connection through the proxy and gives both of its ends. */
	open: () => Promise<Pair>
	openClient: () => Promise<End>
}

interface Http {
	proxy: FaultProxy
	server: HttpServer
}

const test = base
	.extend('wire', async ({ task: _ }, { onCleanup }): Promise<Wire> => {
		const upstream = createServer({ allowHalfOpen: true })
		upstream.listen(0, '127.0.0.1')
		await once(upstream, 'listening')
		const sockets: Socket[] = []
		upstream.on('connection', (socket) => sockets.push(socket))
		const proxy = await startFaultProxy((upstream.address() as AddressInfo).port)
		const openClient = async () => {
			const client = new End(connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true }))
			sockets.push(client.socket)
			await once(client.socket, 'connect')
			return client
		}
		onCleanup(async () => {
			await proxy.close()
			for (const socket of sockets) socket.destroy()
			upstream.close()
		})
		const open = async () => {
			const accepted = once(upstream, 'connection')
			const client = await openClient()
			return { client, server: new End(((await accepted) as [Socket])[0]) }
		}
		return { proxy, open, openClient }
	})
	.extend('http', async ({ task: _ }, { onCleanup }): Promise<Http> => {
		const server = await startHttpServer(() => new Response('from the server'))
		const proxy = await startFaultProxy(server.port)
		onCleanup(async () => {
			await proxy.close()
			await server.kill()
		})
		return { proxy, server }
	})

/** Whether something happens within a time in which on loopback it would have happened long ago. */
async function staysQuiet(...ends: End[]) {
	const before = ends.map(({ text, log }) => text + log.join())
	await new Promise((resolve) => setTimeout(resolve, 60))
	expect(ends.map(({ text, log }) => text + log.join())).toEqual(before)
}

describe('without a fault', () => {
	test('bytes go both ways, and so do both FINs, each by itself', async ({ wire }) => {
		const { client, server } = await wire.open()
		client.socket.write('ping')
		await server.reads('ping')
		client.socket.end()
		await server.until('FIN')
		server.socket.end('pong')
		await client.until('FIN')
		expect(client.text).toBe('pong')
	})

	test('a server that speaks first is heard', async ({ wire }) => {
		const { client, server } = await wire.open()
		server.socket.write('INFO')
		await client.reads('INFO')
	})

	test('a RST of one side reaches the other', async ({ wire }) => {
		const one = await wire.open()
		one.client.socket.resetAndDestroy()
		await one.server.until('ECONNRESET')
		const other = await wire.open()
		other.server.socket.resetAndDestroy()
		await other.client.until('ECONNRESET')
	})

	test('a client that vanished is noticed by the server when it writes', async ({ wire }) => {
		const { client, server } = await wire.open()
		client.socket.destroy()
		await server.until('FIN')
		// The first bytes meet a closed socket, only the next ones its RST: as without a proxy.
		while (!server.log.includes('EPIPE')) {
			server.socket.write('are you there?')
			await new Promise((resolve) => setTimeout(resolve, 5))
		}
		expect(wire.proxy.open).toBe(0)
	})

	test('the back-pressure of a slow client reaches the server', async ({ wire }) => {
		const { client, server } = await wire.open()
		client.socket.pause()
		const total = 64 * 1024 * 1024
		server.socket.write(Buffer.alloc(total))
		await wire.proxy.until(() => wire.proxy.connections[0]!.sent > 0, patience)
		await staysQuiet(client)
		expect(server.socket.writableLength).toBeGreaterThan(0)
		let read = 0
		client.socket.removeAllListeners('data')
		client.socket.on('data', (bytes) => (read += bytes.length))
		client.socket.resume()
		await wire.proxy.until(() => wire.proxy.connections[0]!.sent === total, patience)
		server.socket.end()
		await client.until('FIN')
		expect(read).toBe(total)
	})
})

describe('ending', () => {
	test('cut sends a FIN to both sides', async ({ wire }) => {
		const { client, server } = await wire.open()
		wire.proxy.cut()
		await Promise.all([client.until('FIN'), server.until('FIN')])
		expect([client.log, server.log]).toEqual([['FIN'], ['FIN']])
	})

	test('reset sends a RST to both sides', async ({ wire }) => {
		const { client, server } = await wire.open()
		wire.proxy.reset()
		await Promise.all([client.until('ECONNRESET'), server.until('ECONNRESET')])
	})

	test('one connection ends and its sibling lives', async ({ wire }) => {
		const first = await wire.open()
		const second = await wire.open()
		const [connection] = wire.proxy.connections
		connection!.cut()
		await first.client.until('FIN')
		first.client.socket.end()
		await connection!.closed
		expect(wire.proxy.open).toBe(1)
		second.server.socket.write('still here')
		await second.client.reads('still here')
	})

	test('cutAfter lets exactly so many bytes through, on each connection to come', async ({
		wire
	}) => {
		wire.proxy.cutAfter(5)
		for (const text of ['data: 1', 'data: 2']) {
			const { client, server } = await wire.open()
			server.socket.write(text)
			await client.until('FIN')
			expect(client.text).toBe('data:')
		}
	})

	test('resetAfter breaks a frame in the middle, counted from the call', async ({ wire }) => {
		const { client, server } = await wire.open()
		server.socket.write('data: 1\n\n')
		await client.reads('data: 1\n\n')
		wire.proxy.connections[0]!.resetAfter(3)
		server.socket.write('data: 2\n\n')
		await Promise.all([client.until('ECONNRESET'), server.until('ECONNRESET')])
		expect(client.text).toBe('data: 1\n\ndat')
	})
})

describe('holding back', () => {
	test('a stalled wire keeps the connection, and brings everything when it goes on', async ({
		wire
	}) => {
		const { client, server } = await wire.open()
		wire.proxy.stall()
		server.socket.end('late')
		client.socket.write('request')
		await server.reads('request')
		await staysQuiet(client)
		expect(wire.proxy.open).toBe(1)
		wire.proxy.resume()
		await client.until('FIN')
		expect(client.text).toBe('late')
	})

	test('a stalled wire stops a server that writes on and on', async ({ wire }) => {
		const { server } = await wire.open()
		wire.proxy.stall()
		for (let times = 0; times < 1024; times++) server.socket.write(Buffer.alloc(64 * 1024))
		await staysQuiet(server)
		expect(server.socket.writableLength).toBeGreaterThan(32 * 1024 * 1024)
	})

	test('a client that leaves a stalled wire is let go on both sides', async ({ wire }) => {
		const { client, server } = await wire.open()
		wire.proxy.stall()
		client.socket.end()
		await Promise.all([client.until('FIN'), server.until('FIN')])
		expect(wire.proxy.open).toBe(0)
	})

	test('half-open swallows bytes, FIN and RST, both ways', async ({ wire }) => {
		const { client, server } = await wire.open()
		wire.proxy.halfOpen()
		client.socket.write('are you there?')
		server.socket.write('are you?')
		await staysQuiet(client, server)
		client.socket.end()
		await wire.proxy.until(() => wire.proxy.open === 0, patience)
		await staysQuiet(client, server)
		server.socket.resetAndDestroy()
		await staysQuiet(client)
	})

	test('half-open connections to come are never dialled, and clear ends that', async ({ wire }) => {
		wire.proxy.halfOpen()
		const dead = await wire.openClient()
		dead.socket.write('GET / HTTP/1.1\r\n\r\n')
		await wire.proxy.until(() => wire.proxy.requests === 1, patience)
		wire.proxy.clear()
		const { client, server } = await wire.open()
		server.socket.write('alive')
		await client.reads('alive')
		await staysQuiet(dead)
	})

	test('hold waits until enough has gathered', async ({ wire }) => {
		const { client, server } = await wire.open()
		wire.proxy.hold(10)
		server.socket.write('123456789')
		await staysQuiet(client)
		server.socket.write('0')
		await client.reads('1234567890')
		server.socket.write('123')
		await staysQuiet(client)
		server.socket.end()
		await client.until('FIN')
		expect(client.text).toBe('1234567890123')
	})

	test('hold without a number waits for release', async ({ wire }) => {
		const { client, server } = await wire.open()
		wire.proxy.hold()
		server.socket.write('one')
		await staysQuiet(client)
		wire.proxy.release()
		await client.reads('one')
		server.socket.write('two')
		await client.reads('onetwo')
	})
})

describe('time and size', () => {
	test('delay brings bytes and FIN that much later, in order', async ({ wire }) => {
		wire.proxy.delay(80)
		const { client, server } = await wire.open()
		const start = performance.now()
		server.socket.write('one')
		server.socket.end('two')
		await client.until('FIN')
		expect(client.text).toBe('onetwo')
		expect(performance.now() - start).toBeGreaterThanOrEqual(78)
	})

	test('throttle lets through no more than so many bytes a second', async ({ wire }) => {
		wire.proxy.throttle(10_000)
		const { client, server } = await wire.open()
		const start = performance.now()
		server.socket.end(Buffer.alloc(3_000, 'x'))
		await client.until('FIN')
		expect(client.text.length).toBe(3_000)
		expect(client.chunks.length).toBeGreaterThanOrEqual(4)
		expect(performance.now() - start).toBeGreaterThan(200)
	})

	test('split writes pieces of the given sizes, again and again', async ({ wire }) => {
		wire.proxy.split([1, 3])
		const { client, server } = await wire.open()
		server.socket.write('abcdefghij')
		await client.reads('abcdefghij')
		expect(client.chunks).toEqual(['a', 'bcd', 'e', 'fgh', 'i', 'j'])
	})

	test('split at random positions keeps every byte, and a seed repeats it', async ({ wire }) => {
		const text = 'data: ☃ and more\n\n'.repeat(20)
		const runs: string[][] = []
		for (let run = 0; run < 2; run++) {
			const random = new Random(11)
			wire.proxy.split(() => random.int(1, 9))
			const { client, server } = await wire.open()
			client.socket.setEncoding('latin1')
			server.socket.end(text)
			await client.until('FIN')
			expect(Buffer.from(client.text, 'latin1').toString()).toBe(text)
			runs.push(client.chunks)
		}
		expect(runs[0]!.length).toBeGreaterThan(40)
		expect(runs[0]).toEqual(runs[1])
	})

	test('faults go together, and clear takes them all away', async ({ wire }) => {
		wire.proxy.configure({ delay: 20, split: [2], hold: 4 })
		const { client, server } = await wire.open()
		server.socket.write('abcd')
		await client.reads('abcd')
		expect(client.chunks).toEqual(['ab', 'cd'])
		server.socket.write('ef')
		await staysQuiet(client)
		wire.proxy.clear()
		await client.reads('abcdef')
	})

	test('onConnection gives each connection faults of its own', async ({ wire }) => {
		wire.proxy.onConnection = (connection) => {
			if (connection.id === 1) connection.cutAfter(2)
		}
		const first = await wire.open()
		const second = await wire.open()
		first.server.socket.write('abcd')
		second.server.socket.write('abcd')
		await first.client.until('FIN')
		await second.client.reads('abcd')
		expect(first.client.text).toBe('ab')
	})
})

describe('instead of the server', () => {
	test('answers as often as told, then the server is heard again', async ({ http }) => {
		const { proxy, server } = http
		proxy.answer({ status: 503, headers: { 'retry-after': '1' }, body: 'busy' }, 2)
		for (let times = 0; times < 2; times++) {
			const response = await fetch(proxy.url, { method: 'POST', body: 'x'.repeat(100_000) })
			expect(response.status).toBe(503)
			expect(response.headers.get('retry-after')).toBe('1')
			expect(await response.text()).toBe('busy')
		}
		expect(server.requests).toBe(0)
		expect(await (await fetch(proxy.url)).text()).toBe('from the server')
	})

	test('answers also a request on a connection that was kept alive', async ({ http }) => {
		const { proxy } = http
		const agent = new Agent({ keepAlive: true, maxSockets: 1 })
		const status = async () => {
			const [response] = await once(get(proxy.url, { agent }), 'response')
			response.resume()
			await once(response, 'end')
			return response.statusCode
		}
		expect(await status()).toBe(200)
		expect(proxy.open).toBe(1)
		proxy.answer({ status: 204 }, 1)
		expect(await status()).toBe(204)
		expect([proxy.accepted, proxy.requests]).toEqual([1, 2])
	})

	test('answers when there is no server at all', async ({ http }) => {
		await http.server.kill()
		http.proxy.answer({ status: 502 })
		expect((await fetch(http.proxy.url)).status).toBe(502)
		http.proxy.clear()
		await expect(fetch(http.proxy.url)).rejects.toThrow()
	})

	test('refuses new connections, keeps the old ones, and accepts again on its port', async ({
		wire
	}) => {
		const { client, server } = await wire.open()
		const { port } = wire.proxy
		wire.proxy.refuse()
		await expect(wire.openClient()).rejects.toThrow('ECONNREFUSED')
		server.socket.write('alive')
		await client.reads('alive')
		await wire.proxy.accept()
		expect(wire.proxy.port).toBe(port)
		await wire.open()
		wire.proxy.refuse('reset')
		// The RST may come while the client still connects.
		const refused = wire.openClient().then((refused) => refused.until('ECONNRESET'))
		await refused.catch((error) => expect(error.code).toBe('ECONNRESET'))
		expect(wire.proxy.accepted).toBe(2)
		await wire.proxy.accept()
		await wire.open()
	})

	test.skipIf(!hasIPv6)('keeps its port for itself while it refuses', async ({ wire }) => {
		const { port } = wire.proxy
		wire.proxy.refuse()
		await expect.poll(() => isFree(port)).toBe(false)
		await expect(wire.openClient()).rejects.toThrow('ECONNREFUSED')
		await wire.proxy.accept()
		await wire.proxy.close()
		await expect.poll(() => isFree(port)).toBe(true)
	})

	test('may accept again when another server has taken its port, and has left', async ({
		wire
	}) => {
		wire.proxy.refuse()
		const thief = createServer().listen({ port: wire.proxy.port, host: '127.0.0.1' })
		await once(thief, 'listening')
		await expect(wire.proxy.accept()).rejects.toThrow('EADDRINUSE')
		thief.close()
		await once(thief, 'close')
		await wire.proxy.accept()
		await wire.open()
	})

	test('leads new connections to another server', async ({ http }) => {
		await using other = await startHttpServer(() => new Response('from the other'))
		http.proxy.target = other.port
		expect(await (await fetch(http.proxy.url)).text()).toBe('from the other')
	})
})

describe('counting and closing', () => {
	test('counts connections open now, in total and at the same time', async ({ wire }) => {
		const { proxy } = wire
		const next = proxy.nextConnection(patience)
		const first = await wire.open()
		expect((await next).id).toBe(1)
		const second = await wire.open()
		first.client.socket.destroy()
		await proxy.until(() => proxy.open === 1, patience)
		second.client.socket.destroy()
		await proxy.until(() => proxy.open === 0, patience)
		await wire.open()
		expect([proxy.open, proxy.accepted, proxy.peak]).toEqual([1, 3, 2])
	})

	test('until names what it waited for, and what there is instead', async ({ wire }) => {
		await expect(wire.proxy.until(() => wire.proxy.open === 7, 20)).rejects.toThrow(
			/Not within 20 ms: .*open === 7.*"open":0,"accepted":0/
		)
	})

	// In a process of its own: the timers of a test runner come and go.
	test('closed, it leaves no handle, whatever was going on', async () => {
		await using program = new Program(new URL('programs/closed-proxy.ts', import.meta.url))
		// The server behind it is not its own.
		expect(await program.next()).toEqual({ open: 7, left: ['TCPServerWrap'] })
		expect(await program.exit).toEqual({ code: 0, signal: null })
		expect(program.errors).toBe('')
	})
})
