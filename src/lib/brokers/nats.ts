/**
 * A hub's log in NATS JetStream.
 *
 * @module sveltekit-sse/nats
 */

import { clock } from '../clock.js'
import { SseError } from '../errors.js'
import { assertSignal, BrokerBase } from '../hub/broker-base.js'
import { sharedBounds } from '../hub/bounds.js'
import type {
	AppendOptions,
	Broker,
	BrokerHistory,
	BrokerOptions,
	Cursor,
	Entry,
	LogEntry,
	Page,
	ReadOptions,
	Tail,
	TailListener,
	TailStart
} from '../hub/broker.js'
import {
	createEpoch,
	findGap,
	formatCursor,
	parseCursor,
	type LogState,
	type Position
} from '../hub/cursor.js'
import { invalid } from '../parts/check.js'
import { AppendQueue, type Batch } from './append-queue.js'
import { withDeadline } from './deadline.js'
import { fetchMessages, type Delivered } from './nats-delivery.js'
import {
	behind,
	decodeMessage,
	encodeMessage,
	gapState,
	marksOf,
	whole,
	type LogMessage
} from './nats-messages.js'
import { natsError, NatsStream, type NatsConnection } from './nats-stream.js'
import { followNats } from './nats-tail.js'
import { TailLoop } from './tail-loop.js'

export type { NatsConnection } from './nats-stream.js'

/** Which JetStream stream is the log, and how much of it is kept. */
export interface NatsOptions extends BrokerOptions {
	/**
	 * The stream that is the log, of 1 to 100 letters, digits, `_` and `-`. It is made if there is none. Subjects are
	 * `<stream>.log` and `<stream>.signal`. Hubs with the same stream share a log.
	 *
	 * @default 'SSE'
	 */
	stream?: string | undefined
	/** How much of the past the stream keeps; `events` counts appends, each of which holds at least one. */
	history?: BrokerHistory | undefined
	/**
	 * On how many servers of a cluster the stream is kept.
	 *
	 * @default 1
	 */
	replicas?: number | undefined
	/**
	 * How long to wait for an answer, in milliseconds.
	 *
	 * @default 5_000
	 */
	timeout?: number | undefined
}

/**
 * A log in NATS JetStream 2.9 or newer: one stream, which is made if there is none.
 *
 * Order: that of the stream, the same for everyone. Durability: that of JetStream (file storage, `replicas`). Connect
 * with `maxReconnectAttempts: -1`, or NATS gives up after ten tries and the connection stays closed; the connection
 * itself is yours to close. One event, as JSON, must fit into the server's `max_payload` (1 MB by default).
 *
 * @example
 * ```ts
 * import { connect } from '@nats-io/transport-node'
 * import { Hub } from 'sveltekit-sse/hub'
 * import { nats } from 'sveltekit-sse/nats'
 *
 * const servers = 'localhost:4222'
 * const connection = await connect({ servers, maxReconnectAttempts: -1, waitOnFirstConnect: true })
 *
 * export const hub = new Hub({ broker: nats(connection, { stream: 'SHOP' }) })
 * ```
 */
export function nats(connection: NatsConnection, options: NatsOptions = {}): Broker {
	return new NatsLog(connection, options)
}

interface Part {
	readonly bytes: Uint8Array
	readonly marks: number[]
}

/** @internal Made by `nats()`. */
export class NatsLog extends BrokerBase implements Broker {
	readonly connection: NatsConnection
	readonly stream: NatsStream
	readonly signals: string
	/** The last entry that this process has appended. If the stream is shorter than that, it was set back. */
	appended: Position | undefined
	readonly #timeout: number
	readonly #queue: AppendQueue
	readonly #publisher = createEpoch()
	readonly #tails = new Set<TailLoop>()
	readonly #disconnects = new Set<() => void>()
	#connected = true
	#epoch: string | undefined
	/** The last entry that this process knows of: `head` need not fetch it, and the stream reaches that far. */
	#newest: Position | undefined
	#stopStatus = () => {}
	/** The batch under way, as it is sent however often it is tried. */
	#encoded: { number: number; parts: Part[] } | undefined

	constructor(
		connection: NatsConnection,
		{ stream = 'SSE', replicas = 1, timeout = 5_000, ...options }: NatsOptions
	) {
		super('nats', options, 'connecting')
		if (!/^[\w-]{1,100}$/.test(stream)) {
			throw invalid('`stream`', '1 to 100 letters, digits, _ and -', stream)
		}
		if (typeof connection?.subscribe !== 'function' || typeof connection.status !== 'function') {
			const expected = 'a connection that `connect` of `@nats-io/transport-node` made'
			throw invalid('The argument of nats()', expected, connection)
		}
		this.connection = connection
		this.#timeout = timeout
		this.signals = `${stream}.signal`
		const bounds = sharedBounds(options.history)
		this.stream = new NatsStream(connection, { stream, bounds, replicas, timeout })
		this.#queue = new AppendQueue(this, (batch) => this.#write(batch))
		this.#watch().catch((error: unknown) => this.report(error, 'tail'))
	}

	async append(entries: readonly Entry[], options: AppendOptions = {}): Promise<Cursor[]> {
		this.assertOpen()
		this.refuseClient(options)
		return this.#queue.append(entries, options.wait)
	}

	tail(start: TailStart, listener: TailListener): Tail {
		const tail = new TailLoop(this, start, listener, (tail, ended) => followNats(this, tail, ended))
		if (this.closed) void tail.close()
		else this.#tails.add(tail)
		return tail
	}

	async read(after: Cursor, { limit }: ReadOptions): Promise<Page> {
		this.assertOpen()
		const position = parseCursor(after)
		if (!position) return { entries: [], gap: 'unknown', more: false }
		return this.#call(async () => {
			const state = await this.state()
			const gap = findGap(position, gapState(position, state), true)
			return gap ? { entries: [], gap, more: false } : this.#range(position, state, limit)
		})
	}

	async head(): Promise<Cursor> {
		this.assertOpen()
		return formatCursor(await this.#call(async () => this.endOf(await this.state())))
	}

	async signal(text: string): Promise<void> {
		this.assertOpen()
		assertSignal(text)
		await this.#call(async () => {
			await this.#connectedWhile(() => {
				this.connection.publish(this.signals, text)
				return withDeadline(this.connection.flush(), this.#timeout, 'NATS')
			})
		})
	}

	async close(): Promise<void> {
		this.setHealth('closed')
		this.#stopStatus()
		this.stream.close()
		this.#queue.close(this.closedError())
		await Promise.all([...this.#tails].map((tail) => tail.close()))
	}

	forget(tail: TailLoop): void {
		this.#tails.delete(tail)
	}

	/** Calls `run` when the connection is lost; returns a function that forgets it. */
	onDisconnect(run: () => void): () => void {
		this.#disconnects.add(run)
		return () => {
			this.#disconnects.delete(run)
		}
	}

	async state(): Promise<LogState> {
		const known = this.#newest
		const state = await this.#connectedWhile(() => this.stream.state(known))
		this.#epoch = state.epoch
		const isSetBack = known?.epoch === state.epoch && known.sequence > state.last.sequence
		if (isSetBack && this.#newest === known) this.#newest = undefined
		return state
	}

	/** The position of the last entry of all. */
	async endOf({ epoch, last, first }: LogState): Promise<Position> {
		const { sequence } = last
		const newest = this.#newest
		if (newest?.epoch === epoch && newest.sequence === sequence) return newest
		if (sequence === 0 || first === undefined) {
			return { epoch, sequence, mark: sequence && whole }
		}
		const stored = await this.stream.manage(({ streams }) => {
			return streams.getMessage(this.stream.name, { seq: sequence })
		})
		if (!stored) return { epoch, sequence, mark: whole }
		return this.decode({ bytes: stored.data, sequence, at: stored.time.getTime() }, epoch).end
	}

	/** A message that is not ours has no entries. */
	decode({ bytes, sequence, at }: Delivered, epoch: string): LogMessage {
		try {
			const message = decodeMessage(bytes, epoch, sequence, at)
			this.#learn(message.end)
			return message
		} catch (error) {
			this.report(error, 'tail')
			return { sequence, entries: [], marks: [], end: { epoch, sequence, mark: whole } }
		}
	}

	#learn(end: Position): void {
		const newest = this.#newest
		if (newest?.epoch !== end.epoch || newest.sequence < end.sequence) this.#newest = end
	}

	async #range(position: Position, state: LogState, limit: number): Promise<Page> {
		const { epoch, last, first } = state
		const check = position.mark !== whole && position.sequence >= (first ?? Infinity)
		const from = check ? position.sequence : position.sequence + 1
		const count = Math.min(limit + 1, last.sequence - from + 1)
		if (count <= 0) return { entries: [], more: false }
		const messages = await fetchMessages(this.connection, this.stream, from, count)
		const entries: LogEntry[] = []
		let expected = from
		for (const delivered of messages) {
			if (delivered.sequence !== expected++) return { entries: [], gap: 'trimmed', more: false }
			const message = this.decode(delivered, epoch)
			const rest = message.sequence === position.sequence ? behind(message, position) : undefined
			if (!rest && message.sequence === position.sequence) {
				return { entries: [], gap: 'unknown', more: false }
			}
			entries.push(...(rest ?? message.entries))
		}
		const more = entries.length > limit || expected <= last.sequence
		return { entries: entries.slice(0, limit), more }
	}

	async #write(batch: Batch): Promise<Cursor[]> {
		this.#assertConnected()
		if (this.#encoded?.number !== batch.number) {
			this.#encoded = { number: batch.number, parts: this.#encode(batch.entries) }
		}
		const cursors: Cursor[] = []
		for (const [index, { bytes, marks }] of this.#encoded.parts.entries()) {
			const id = `${this.#publisher}-${batch.number}-${index}`
			const sequence = await this.#publish(bytes, id)
			const epoch = this.#epoch ?? (await this.state()).epoch
			const positions = marks.map((mark) => ({ epoch, sequence, mark }))
			this.appended = positions.at(-1) as Position
			this.#learn(this.appended)
			cursors.push(...positions.map(formatCursor))
		}
		return cursors
	}

	/** Stores a message under an id by which the server knows it again, and returns its number. */
	async #publish(bytes: Uint8Array, id: string): Promise<number> {
		const { js, subject } = this.stream
		const options = { msgID: id, timeout: this.#timeout }
		const send = () => this.#connectedWhile(() => js.publish(subject, bytes, options))
		try {
			// Made or found before the first message, so that its epoch is known.
			if (this.#epoch === undefined) await this.state()
			const { seq, duplicate } = await send()
			// Numbers only grow: a smaller one is of a stream that was made anew.
			if (!duplicate && seq <= (this.appended?.sequence ?? 0)) await this.state()
			return seq
		} catch (error) {
			if (!/no responders/i.test(String((error as Error)?.message))) throw natsError(error)
			// Nobody stores this subject: the stream is gone, or JetStream is not ready yet.
			try {
				await this.state()
				return (await send()).seq
			} catch (again) {
				throw natsError(again)
			}
		}
	}

	/** As few messages as the server's limit allows. */
	#encode(entries: readonly Entry[], time = clock.date().getTime()): Part[] {
		const limit = (this.connection.info?.max_payload ?? 1024 * 1024) - 1_024
		const bytes = encodeMessage(entries, time)
		if (bytes.length <= limit && entries.length <= 500) {
			return [{ bytes, marks: marksOf(time, entries.length) }]
		}
		if (entries.length === 1) {
			throw new SseError(
				'too-large',
				`An event of ${bytes.length} bytes is over the server’s limit of ${limit}; send a reference to ` +
					'the data, or raise `max_payload`.'
			)
		}
		const half = Math.ceil(entries.length / 2)
		return [entries.slice(0, half), entries.slice(half)].flatMap((part) => this.#encode(part, time))
	}

	/** Follows the connection's state until the broker or the connection is closed. */
	async #watch(): Promise<void> {
		const statuses = this.connection.status()
		this.#stopStatus = () => (statuses as { stop?: () => void }).stop?.()
		for await (const { type } of statuses) {
			if (this.closed) return
			if (type === 'reconnect') this.#connected = true
			if (type !== 'disconnect' && type !== 'close') continue
			this.#connected = false
			for (const run of [...this.#disconnects]) run()
		}
	}

	/** What was asked on a connection that is lost is not answered on the next one; nobody has to wait for that. */
	#connectedWhile<T>(run: () => Promise<T>): Promise<T> {
		return new Promise((resolve, reject) => {
			this.#assertConnected()
			const forget = this.onDisconnect(() => {
				reject(new SseError('network', 'The NATS connection was lost.'))
			})
			run().then(resolve, reject).finally(forget)
		})
	}

	#assertConnected(): void {
		if (this.connection.isClosed()) {
			const remedy = 'make a new one, with `maxReconnectAttempts: -1` so that it never gives up'
			throw new SseError('network', `The NATS connection is closed; ${remedy}.`)
		}
		if (!this.#connected) throw new SseError('network', 'The NATS connection is away.')
	}

	async #call<T>(run: () => Promise<T>): Promise<T> {
		try {
			const result = await run()
			this.worked()
			return result
		} catch (thrown) {
			if (this.closed) throw this.closedError()
			const error = natsError(thrown)
			if (error.code === 'network' || error.code === 'timeout') this.failed(error)
			throw error
		}
	}
}
