import type { Socket } from 'node:net'
import { responseBytes, startsRequest } from './answer.js'
import { Flow, type Ending } from './flow.js'
import { FaultControls, plain, type Settings } from './settings.js'
import type { Answer, FaultConnection } from './types.js'

/** What a connection needs from its proxy. */
export interface Host {
	dial(): Socket
	hasAnswer(): boolean
	takeAnswer(): Answer | undefined
	/** The client has ended or lost its side. */
	gone(connection: FaultConnection): void
	/** Something happened that a test may wait for. */
	changed(): void
}

/** The connection over two sockets. */
export class TcpFaultConnection extends FaultControls implements FaultConnection {
	readonly id: number
	readonly closed: Promise<void>
	#host: Host
	#client: Socket
	#server: Socket | undefined
	#flow: Flow
	#settings: Settings = { ...plain }
	#open = true
	#over = false
	#sent = 0
	#requests = 0
	#close: () => void

	constructor(id: number, client: Socket, host: Host, settings: Settings) {
		super()
		this.id = id
		this.#client = client
		this.#host = host
		const { promise, resolve } = Promise.withResolvers<void>()
		this.closed = promise
		this.#close = resolve
		this.#flow = new Flow(client, {
			sent: (bytes) => {
				this.#sent += bytes
				host.changed()
			},
			full: (full) => this.#pressure(full),
			ended: (how) => this.#serverEnded(how),
			spent: (how) => this[how]()
		})
		this.#listenToClient()
		this.configure({ ...settings })
		// A server that speaks first is not heard before it is dialled.
		if (!settings.silent && !host.hasAnswer()) this.#dial()
	}

	get open(): boolean {
		return this.#open
	}

	get sent(): number {
		return this.#sent
	}

	get requests(): number {
		return this.#requests
	}

	override cut(): void {
		this.#finish((socket) => {
			socket.end()
			// Unread bytes would turn the FIN into a RST when the other side closes.
			socket.resume()
		})
	}

	override reset(): void {
		this.#finish((socket) => {
			// Node loses a socket, and never says that it closed, when it has to reset one whose FIN is on its way.
			const isEnding = socket.writableEnded && !socket.writableFinished
			if (isEnding) socket.destroy()
			else socket.resetAndDestroy()
		})
		this.#gone()
	}

	destroy(): void {
		this.#finish((socket) => socket.destroy())
		this.#gone()
	}

	override configure(change: Partial<Settings>): void {
		const silent = this.#settings.silent || change.silent === true
		Object.assign(this.#settings, change, { silent })
		if (silent) {
			this.#flow.stop()
			this.#client.resume()
			this.#server?.resume()
		} else if (!this.#over) {
			this.#flow.configure(change)
		}
	}

	#listenToClient(): void {
		const client = this.#client
		client.setNoDelay(true)
		client.on('data', (bytes) => this.#fromClient(bytes))
		client.on('end', () => this.#clientEnded())
		client.on('error', () => {
			if (!this.#settings.silent) this.reset()
		})
		client.on('close', () => this.#clientClosed())
	}

	#fromClient(bytes: Buffer): void {
		const request = startsRequest(bytes)
		if (request) {
			this.#requests++
			this.#host.changed()
		}
		if (this.#over || this.#settings.silent) return
		const answer = request ? this.#host.takeAnswer() : undefined
		if (answer) return this.#answer(answer)
		const server = this.#server ?? this.#dial()
		if (server.writable && !server.write(bytes)) {
			this.#client.pause()
			server.once('drain', () => this.#client.resume())
		}
	}

	#answer(answer: Answer): void {
		this.#client.write(responseBytes(answer))
		this.cut()
	}

	#clientEnded(): void {
		this.#gone()
		if (this.#over || this.#settings.silent) return
		// Whether it only ended its side or is gone shows when more is sent to it; a stalled wire
		// never does that.
		if (this.#settings.stalled || !this.#server) this.cut()
		else this.#server.end()
	}

	#clientClosed(): void {
		this.#gone()
		if (!this.#over && !this.#settings.silent) this.cut()
	}

	#dial(): Socket {
		const server = this.#host.dial()
		this.#server = server
		server.setNoDelay(true)
		server.on('data', (bytes) => {
			if (!this.#settings.silent) this.#flow.push(bytes)
		})
		server.on('end', () => this.#flowFinish('end'))
		server.on('error', () => this.#flowFinish('reset'))
		return server
	}

	#flowFinish(how: Ending): void {
		if (!this.#settings.silent && !this.#over) this.#flow.finish(how)
	}

	#serverEnded(how: Ending): void {
		if (how === 'reset') this.reset()
		else this.cut()
	}

	#pressure(full: boolean): void {
		if (full) this.#server?.pause()
		else this.#server?.resume()
	}

	/** One end of everything, done once; a harder one may still follow a softer one. */
	#finish(end: (socket: Socket) => void): void {
		this.#over = true
		this.#flow.stop()
		end(this.#client)
		if (this.#server) end(this.#server)
	}

	#gone(): void {
		if (!this.#open) return
		this.#open = false
		this.#close()
		this.#host.gone(this)
	}
}
