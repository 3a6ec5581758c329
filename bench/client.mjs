// The load client's process: plain sockets that count what arrives, and keep it to be checked afterwards.
// It has to be faster than any server: bytes land where they are kept, in memory that was touched before, and while
// a measurement runs they are only searched for the mark that ends a round.

import { connect } from 'node:net'
import { checkBody, roundEnd, unchunk } from './payload.mjs'
import { obey } from './rpc.mjs'

/** @import { Socket } from 'node:net' */

/** Bytes of one measurement that are kept to be checked event by event; what follows is only counted. */
const kept = 192 * 1024 * 1024
const most = 64 * 1024
const arena = Buffer.alloc(kept + most, 1)
/** Where what does not fit, or comes to one of many connections, is read into. */
const scratch = Buffer.alloc(most)

const mark = roundEnd.charCodeAt(0)
/** Connections that may be under way to the server at once. */
const atOnce = 256

/** @type {Connection[]} */
let connections = []
/** @type {Socket | undefined} */
let answers
/** How many connections have seen how many ends of a round. @type {number[]} */
let finished = []
/** When each connection saw the end of which round. @type {{ round: number, at: bigint }[]} */
let arrivals = []

class Connection {
	/** Bytes of the body. */
	bytes = 0
	/** The body, as far as it is kept: in the arena when this is the only connection. @type {Buffer[]} */
	#pieces = []
	#kept = 0
	#rounds = 0
	#head = ''
	#isOpen = false
	#settle
	/** @type {PromiseWithResolvers<void>} */
	#first = Promise.withResolvers()

	/**
	 * @param {number} port
	 * @param {number} number
	 * @param {boolean} isOnly
	 * @param {string} [after] the id that it resumes from
	 */
	constructor(port, number, isOnly, after) {
		this.number = number
		/** @type {PromiseWithResolvers<void>} */
		const { promise, resolve, reject } = Promise.withResolvers()
		this.#settle = { resolve, reject }
		/** The headers and a first byte of the body are there. */
		this.opened = promise
		/** The first round has ended. */
		this.complete = this.#first.promise
		this.complete.catch(() => {})
		this.isOnly = isOnly
		this.socket = connect({
			port,
			host: '127.0.0.1',
			noDelay: true,
			onread: {
				buffer: () => (isOnly ? arena.subarray(this.#kept, this.#kept + most) : scratch),
				callback: (length, buffer) => {
					const bytes = /** @type {Buffer} */ (buffer).subarray(0, length)
					if (this.#isOpen) this.#take(bytes)
					else this.#open(bytes)
					return true
				}
			}
		})
		this.socket.on('error', () => {})
		this.socket.once('close', () => {
			const error = new Error(`connection ${number} was closed`)
			reject(error)
			this.#first.reject(error)
		})
		const resumes = after === undefined ? '' : `last-event-id: ${after}\r\n`
		this.socket.write(`GET /?n=${number} HTTP/1.1\r\nhost: 127.0.0.1\r\n${resumes}\r\n`)
	}

	/** @param {Buffer} bytes */
	#open(bytes) {
		this.#head += bytes.toString('latin1')
		const end = this.#head.indexOf('\r\n\r\n')
		if (end < 0 || this.#head.length === end + 4) return
		if (!this.#head.startsWith('HTTP/1.1 200')) this.#settle.reject(new Error(this.#head))
		this.#isOpen = true
		this.#settle.resolve()
		this.#take(Buffer.from(this.#head.slice(end + 4), 'latin1'))
	}

	/** @param {Buffer} bytes */
	#take(bytes) {
		this.bytes += bytes.length
		if (!this.isOnly) this.#pieces.push(Buffer.from(bytes))
		else if (this.#kept < kept) {
			// Node asks for the next place at once, so the first bytes after `forget` still come to the old one.
			if (bytes.byteOffset !== arena.byteOffset + this.#kept) bytes.copy(arena, this.#kept)
			this.#kept += bytes.length
		}
		for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + 1)) this.#endRound()
	}

	#endRound() {
		const round = this.#rounds++
		const count = (finished[round] ?? 0) + 1
		finished[round] = count
		if (!this.isOnly) arrivals.push({ round, at: process.hrtime.bigint() })
		if (count === connections.length) answers?.write('.')
		this.#first.resolve()
	}

	/**
	 * Checks what came since the last call: the events that were kept one by one, the rest by the rounds it ended.
	 *
	 * @param {import('./payload.mjs').Shape} shape
	 */
	check(shape) {
		const body = this.isOnly ? arena.subarray(0, this.#kept) : Buffer.concat(this.#pieces)
		const events = this.#rounds * shape.events * shape.ticks
		const checked = checkBody(unchunk(body), shape)
		const isWhole = this.#kept < kept
		if (isWhole ? checked !== events : checked > events || checked === 0)
			throw new Error(`${checked} events arrived in ${this.#rounds} rounds`)
		return events
	}

	forget() {
		this.#pieces = []
		this.#kept = this.#rounds = this.bytes = 0
	}
}

let last = 0

/** @typedef {{ ports: [number, number], count: number, after?: string }} Crowd */

/** @param {Crowd} crowd @param {(connection: Connection) => Promise<void>} done */
async function connectAll({ ports, count, after }, done) {
	answers ??= connect(ports[1], '127.0.0.1')
		.setNoDelay()
		.on('error', () => {})
	const start = performance.now()
	/** @type {Set<Promise<void>>} */
	const under = new Set()
	for (let number = 0; number < count; number++) {
		const connection = new Connection(ports[0], ++last, count === 1, after)
		connections.push(connection)
		const isDone = Promise.all([connection.opened, done(connection)]).then(
			() => void under.delete(isDone)
		)
		under.add(isDone)
		if (under.size >= atOnce) await Promise.race(under)
	}
	await Promise.all(under)
	return performance.now() - start
}

obey({
	/** Opens connections, and says how long it took, in milliseconds. */
	open: (/** @type {Crowd} */ crowd) => connectAll(crowd, ({ opened }) => opened),

	/** Opens connections that resume; says how long it took until each had seen the end of a round. */
	resume: (/** @type {Crowd} */ crowd) => connectAll(crowd, ({ complete }) => complete),

	/** Checks what came since `forget`; returns how many events and bytes. */
	check(/** @type {import('./payload.mjs').Shape} */ shape) {
		let events = 0
		let bytes = 0
		for (const connection of connections) {
			events += connection.check(shape)
			bytes += connection.bytes
		}
		return { events, bytes }
	},

	/** Forgets what came, between measurements. */
	forget() {
		for (const connection of connections) connection.forget()
		finished = []
		arrivals = []
	},

	arrivals: () => arrivals,

	/** Stops reading. */
	pause() {
		for (const { socket } of connections) socket.pause()
	},

	/** Goes away, connection by connection. @param {'end' | 'reset' | 'destroy'} how */
	async leave(how) {
		/** @type {[number, bigint][]} */
		const left = []
		for (const { socket, number } of connections) {
			left.push([number, process.hrtime.bigint()])
			if (how === 'end') socket.end()
			else if (how === 'reset') socket.resetAndDestroy()
			else socket.destroy()
			await new Promise((resolve) => setTimeout(resolve, 1))
		}
		connections = []
		return left
	},

	/** Closes everything. */
	close() {
		for (const { socket } of connections) socket.destroy()
		connections = []
	}
})
