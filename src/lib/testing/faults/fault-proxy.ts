import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { TcpFaultConnection, type Host } from './fault-connection.js'
import { freePort, keepPort } from './free-port.js'
import { FaultControls, plain, type Settings } from './settings.js'
import type { Answer, FaultConnection, FaultProxy } from './types.js'

const loopback = '127.0.0.1'

/** The proxy over `node:net`. */
export class TcpFaultProxy extends FaultControls implements FaultProxy {
	target: number
	onConnection: ((connection: FaultConnection) => void) | undefined
	#port = 0
	#listener: Server | undefined
	/** Lets the port go, which is kept while nothing listens on it. */
	#letPortGo: (() => void) | undefined
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

	get url(): string {
		return `http://${loopback}:${this.#port}`
	}

	get connections(): FaultConnection[] {
		return [...this.#connections]
	}

	get open(): number {
		return this.#connections.size
	}

	get accepted(): number {
		return this.#accepted
	}

	get peak(): number {
		return this.#peak
	}

	get requests(): number {
		return this.connections.reduce((sum, { requests }) => sum + requests, this.#closedRequests)
	}

	async accept(): Promise<void> {
		this.#resetting = false
		if (this.#listener) return
		// A client that ended its side may still be answered: each side is ended by itself.
		const listener = createServer({ allowHalfOpen: true }, (socket) => this.#welcome(socket))
		this.#listener = listener
		this.#port ||= await freePort()
		listener.listen({ port: this.#port, host: loopback, backlog: 4096 })
		try {
			await once(listener, 'listening')
		} catch (thrown) {
			this.#listener = undefined
			throw thrown
		}
		this.#letPortGo?.()
		this.#letPortGo = undefined
	}

	refuse(how: 'closed' | 'reset' = 'closed'): void {
		this.#resetting = how === 'reset'
		if (this.#resetting || !this.#listener) return
		this.#letPortGo ??= keepPort(this.#port)
		this.#stopListening()
	}

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

	async nextConnection(timeout?: number): Promise<FaultConnection> {
		const before = this.#accepted
		let next: FaultConnection | undefined
		await this.until(() => {
			next = this.connections.find(({ id }) => id > before)
			return next !== undefined
		}, timeout)
		return next as FaultConnection
	}

	async close(): Promise<void> {
		this.#stopListening()
		this.#letPortGo?.()
		this.#letPortGo = undefined
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

	#stopListening(): void {
		const listener = this.#listener
		this.#listener = undefined
		if (!listener) return
		this.#closing.push(once(listener, 'close'))
		listener.close()
	}

	#welcome(socket: Socket): void {
		if (this.#resetting) {
			socket.resetAndDestroy()
			return
		}
		this.#track(socket)
		const connection = new TcpFaultConnection(++this.#accepted, socket, this.#host, this.#settings)
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
