import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import type { Answer } from './fault-proxy/answer.js'
import { FaultConnection, type Host } from './fault-proxy/fault-connection.js'
import { FaultControls, plain, type Settings } from './fault-proxy/settings.js'
import { freePort } from './ports.js'

export type { Answer } from './fault-proxy/answer.js'
export type { FaultConnection } from './fault-proxy/fault-connection.js'
export type { FaultControls, Settings, Sizes } from './fault-proxy/settings.js'

const loopback = '127.0.0.1'

/**
 * A TCP proxy on loopback between a real client and a real server that does to their bytes what
 * networks, proxies and dying machines do.
 *
 * Each control works on one connection, or, called on the proxy, on all that are open; settings
 * (`stall`, `halfOpen`, `delay`, `throttle`, `hold`, `split`, `cutAfter`, `resetAfter`) then also
 * hold for the connections to come, until `clear()`.
 *
 * @example
 * ```ts
 * await using proxy = await startFaultProxy(server.port)
 * const response = await fetch(`${proxy.url}/events`)
 * proxy.answer({ status: 502 }, 2)
 * proxy.reset()
 * await proxy.until(() => proxy.requests === 4)
 * ```
 */
export class FaultProxy extends FaultControls {
	/** Port of the server that new connections are led to; may be changed at any time. */
	target: number
	/** Called with each new connection before a byte has moved, to give it faults of its own. */
	onConnection: ((connection: FaultConnection) => void) | undefined
	#port = 0
	#listener: Server | undefined
	#connections = new Set<FaultConnection>()
	#sockets = new Set<Socket>()
	#settings: Settings = { ...plain }
	#answer: Answer | undefined
	#answers = 0
	#resetting = false
	#accepted = 0
	#peak = 0
	#closedRequests = 0
	#watchers = new Set<() => void>()
	#closing: Promise<unknown>[] = []
	#host: Host = {
		dial: () => {
			return this.#track(connect({ port: this.target, host: loopback, allowHalfOpen: true }))
		},
		hasAnswer: () => this.#answers > 0,
		takeAnswer: () => {
			if (this.#answers <= 0) return undefined
			this.#answers--
			return this.#answer
		},
		changed: () => this.#changed(),
		gone: (connection) => {
			this.#connections.delete(connection)
			this.#closedRequests += connection.requests
			this.#changed()
		}
	}

	constructor(target: number) {
		super()
		this.target = target
	}

	get port(): number {
		return this.#port
	}

	/** `http://127.0.0.1:<port>`, without a slash at the end. */
	get url(): string {
		return `http://${loopback}:${this.#port}`
	}

	/** The connections whose client side is up, the oldest first. */
	get connections(): FaultConnection[] {
		return [...this.#connections]
	}

	/** How many connections are open now. */
	get open(): number {
		return this.#connections.size
	}

	/** How many connections were accepted so far; refused ones are not. */
	get accepted(): number {
		return this.#accepted
	}

	/** How many connections were open at the same time at most. */
	get peak(): number {
		return this.#peak
	}

	/** How many HTTP/1 requests came, the answered and the swallowed ones included. */
	get requests(): number {
		return this.connections.reduce((sum, { requests }) => sum + requests, this.#closedRequests)
	}

	/** Listens, on the port it had if there was one; undoes `refuse()`. */
	async accept(): Promise<void> {
		this.#resetting = false
		if (this.#listener) return
		// A client that ended its side may still be answered: each side is ended by itself.
		const listener = createServer({ allowHalfOpen: true }, (socket) => this.#welcome(socket))
		this.#listener = listener
		this.#port ||= await freePort()
		listener.listen({ port: this.#port, host: loopback, backlog: 4096 })
		await once(listener, 'listening')
	}

	/**
	 * Refuses new connections: nobody listens (`closed`), or each is reset right after it was
	 * accepted (`reset`). Open connections live on.
	 */
	refuse(how: 'closed' | 'reset' = 'closed'): void {
		this.#resetting = how === 'reset'
		if (this.#resetting) return
		const listener = this.#listener
		this.#listener = undefined
		if (!listener) return
		this.#closing.push(once(listener, 'close'))
		listener.close()
	}

	/**
	 * Answers the next requests by itself, without the server: those on new connections and those on
	 * connections that a client kept alive. `times` replaces what was left of an earlier call.
	 */
	answer(answer: Answer, times = Infinity): void {
		this.#answer = answer
		this.#answers = times
	}

	override cut(): void {
		for (const connection of this.connections) connection.cut()
	}

	override reset(): void {
		for (const connection of this.connections) connection.reset()
	}

	/** Makes a plain wire again: takes away all lasting faults, answers included. */
	override clear(): void {
		this.#answers = 0
		super.clear()
	}

	/**
	 * Resolves as soon as the condition is true; looked at whenever a connection comes or goes, a
	 * request arrives or bytes have moved. Rejects after `timeout` milliseconds, or with what the
	 * condition throws.
	 */
	async until(condition: () => boolean, timeout = 5_000): Promise<void> {
		if (condition()) return
		const { promise, resolve, reject } = Promise.withResolvers<void>()
		const watcher = () => {
			try {
				if (condition()) resolve()
			} catch (error) {
				reject(error)
			}
		}
		const timer = setTimeout(() => {
			const { open, accepted, peak, requests } = this
			const counts = JSON.stringify({ open, accepted, peak, requests })
			reject(new Error(`Not within ${timeout} ms: ${condition}. The proxy has ${counts}.`))
		}, timeout)
		this.#watchers.add(watcher)
		try {
			await promise
		} finally {
			clearTimeout(timer)
			this.#watchers.delete(watcher)
		}
	}

	/** Resolves with the next connection that is accepted. */
	async nextConnection(timeout?: number): Promise<FaultConnection> {
		const before = this.#accepted
		let next: FaultConnection | undefined
		await this.until(() => {
			next = this.connections.find(({ id }) => id > before)
			return next !== undefined
		}, timeout)
		return next as FaultConnection
	}

	/** Ends everything and leaves no handle open. */
	async close(): Promise<void> {
		this.refuse()
		const sockets = [...this.#sockets]
		const closed = sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve)))
		for (const socket of sockets) socket.destroy()
		await Promise.all([...closed, ...this.#closing])
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close()
	}

	override configure(change: Partial<Settings>): void {
		Object.assign(this.#settings, change)
		for (const connection of this.#connections) connection.configure(change)
	}

	#welcome(socket: Socket): void {
		if (this.#resetting) {
			socket.resetAndDestroy()
			return
		}
		this.#track(socket)
		const connection = new FaultConnection(++this.#accepted, socket, this.#host, this.#settings)
		this.#connections.add(connection)
		this.#peak = Math.max(this.#peak, this.open)
		this.onConnection?.(connection)
		this.#changed()
	}

	#track(socket: Socket): Socket {
		this.#sockets.add(socket)
		socket.once('close', () => this.#sockets.delete(socket))
		return socket
	}

	#changed(): void {
		for (const watcher of this.#watchers) watcher()
	}
}

/** Starts a fault proxy on a free loopback port, in front of the server on port `target`. */
export async function startFaultProxy(target: number): Promise<FaultProxy> {
	const proxy = new FaultProxy(target)
	await proxy.accept()
	return proxy
}
