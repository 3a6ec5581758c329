/**
 * A hub's log in NATS JetStream.
 *
 * @module sveltekit-sse/nats
 */

import { clock } from '../clock.js'
import { SseError } from '../errors.js'
import { sharedBounds } from '../hub/bounds.js'
import type {
	Broker,
	BrokerHistory,
	BrokerOptions,
	Cursor,
	Entry,
	LogEntry,
	Page
} from '../hub/broker.js'
import { createEpoch, findGap, formatCursor, type LogState, type Position } from '../hub/cursor.js'
import { invalid } from '../parts/check.js'
import type { Batch, Prepared } from './append-queue.js'
import { UndecidedError, UnsentError } from './deadline.js'
import { EngineBroker } from './engine-broker.js'
import { fetchMessages, type Delivered } from './nats-delivery.js'
import {
	behind,
	decodeMessage,
	encodeEntry,
	encodeMessage,
	gapState,
	marksOf,
	whole,
	type LogMessage
} from './nats-messages.js'
import { isUnheard, natsError, NatsStream, type NatsConnection } from './nats-stream.js'
import { followNats } from './nats-tail.js'
import type { TailLoop } from './tail-loop.js'

export type { NatsConnection } from './nats-stream.js'

/** Which JetStream stream is the log, and how much of it is kept. */
export interface NatsOptions extends BrokerOptions {
	/**
	 * The stream that is the log, of 1 to 100 letters, digits, `_` and `-`. It is made if there is none. Subjects are
	 * `<stream>.log`, `<stream>.log.*` and `<stream>.signal`. Hubs with the same stream share a log.
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

interface NatsEntry extends Prepared {
	readonly json: string
}

/** The batch under way: the same message, however often it is sent. */
interface Outgoing {
	readonly number: number
	readonly id: string
	readonly bytes: Uint8Array
	readonly marks: number[]
	/** The log before it was sent for the first time; undefined: it was not sent yet. */
	before: { readonly epoch: string; readonly sequence: number } | undefined
}

/** @internal Made by `nats()`. */
export class NatsLog extends EngineBroker<NatsEntry> implements Broker {
	readonly connection: NatsConnection
	readonly stream: NatsStream
	readonly signals: string
	/** The last entry that this process has appended. If the stream is shorter than that, it was set back. */
	appended: Position | undefined
	readonly #publisher = createEpoch()
	readonly #disconnects = new Set<() => void>()
	#connected = true
	#epoch: string | undefined
	/** The last entry that this process knows of: `head` need not fetch it, and the stream reaches that far. */
	#newest: Position | undefined
	/** How far the log is known to reach at least. */
	#reached = { epoch: '', sequence: 0 }
	#stopStatus = () => {}
	#outgoing: Outgoing | undefined

	constructor(
		connection: NatsConnection,
		{ stream = 'SSE', replicas = 1, timeout = 5_000, ...options }: NatsOptions
	) {
		super({ ...options, name: 'nats', engine: 'NATS', timeout })
		if (!/^[\w-]{1,100}$/.test(stream)) {
			throw invalid('`stream`', '1 to 100 letters, digits, _ and -', stream)
		}
		if (typeof connection?.subscribe !== 'function' || typeof connection.status !== 'function') {
			const expected = 'a connection that `connect` of `@nats-io/transport-node` made'
			throw invalid('The argument of nats()', expected, connection)
		}
		this.connection = connection
		this.signals = `${stream}.signal`
		const bounds = sharedBounds(options.history)
		this.stream = new NatsStream(connection, { stream, bounds, replicas, timeout })
		this.#watch().catch((error: unknown) => this.report(error, 'tail'))
	}

	override async close(): Promise<void> {
		this.#stopStatus()
		this.stream.close()
		await super.close()
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
		this.#reach(state.epoch, state.last.sequence)
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
		this.#reach(end.epoch, end.sequence)
	}

	#reach(epoch: string, sequence: number): void {
		const reached = this.#reached
		if (reached.epoch !== epoch || reached.sequence < sequence) this.#reached = { epoch, sequence }
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

	/** What a message may hold beside its headers. */
	protected override get maxBytes(): number {
		return (this.connection.info?.max_payload ?? 1024 * 1024) - 1_024
	}

	protected override prepare(entry: Entry): NatsEntry {
		const json = encodeEntry(entry)
		const { maxBytes } = this
		// One more is the comma's.
		const bytes = 1 + new TextEncoder().encode(json).length
		if (bytes <= maxBytes) return { json, bytes }
		throw new SseError(
			'too-large',
			`An event of ${bytes} bytes is over the server’s limit of ${maxBytes}; send a reference to the data, or ` +
				'raise `max_payload`.'
		)
	}

	/** A batch is one message, so that it is stored as a whole or not at all. */
	protected override async write({ number, entries }: Batch<NatsEntry>): Promise<Cursor[]> {
		this.#assertConnected()
		if (this.#outgoing?.number !== number) {
			const time = clock.date().getTime()
			this.#outgoing = {
				number,
				id: `${this.#publisher}-${number}`,
				bytes: encodeMessage(
					entries.map(({ json }) => json),
					time
				),
				marks: marksOf(time, entries.length),
				before: undefined
			}
		}
		const { marks } = this.#outgoing
		const sequence = await this.#publish(this.#outgoing)
		const epoch = this.#epoch ?? (await this.state()).epoch
		const positions = marks.map((mark) => ({ epoch, sequence, mark }))
		this.appended = positions.at(-1) as Position
		this.#learn(this.appended)
		return positions.map(formatCursor)
	}

	/** Stores a message once, and returns its number. */
	async #publish(outgoing: Outgoing): Promise<number> {
		try {
			const stored = outgoing.before && (await this.#find(outgoing))
			if (stored !== undefined) return stored
			// Made or found before the first message, so that its epoch is known.
			if (this.#epoch === undefined) await this.state()
			const { seq, duplicate } = await this.#send(outgoing)
			// Numbers only grow: a smaller one is of a stream that was made anew.
			if (!duplicate && seq <= (this.appended?.sequence ?? 0)) await this.state()
			return seq
		} catch (error) {
			if (!isUnheard(error)) throw natsError(error)
			// Nobody stores this subject: the stream is gone or has other subjects, or JetStream is not ready yet.
			this.stream.lookAgain()
			try {
				await this.state()
				return (await this.#send(outgoing)).seq
			} catch (again) {
				throw natsError(again)
			}
		}
	}

	#send(outgoing: Outgoing) {
		const { bytes, id } = outgoing
		return this.#connectedWhile(() => {
			outgoing.before ??= this.#reached
			const options = { msgID: id, timeout: this.timeout }
			return this.stream.js.publish(this.#subject, bytes, options)
		})
	}

	/** Where this process publishes, so that it finds its last message again. */
	get #subject(): string {
		return `${this.stream.subject}.${this.#publisher}`
	}

	/**
	 * The number of a message that was sent before and not answered, if it is stored: the server knows its id for the time
	 * of its duplicate window only.
	 */
	async #find(outgoing: Outgoing): Promise<number | undefined> {
		const { id, before } = outgoing
		const { epoch, first, last } = await this.state()
		const stored = await this.stream.manage(({ streams }) =>
			streams.getMessage(this.stream.name, { last_by_subj: this.#subject })
		)
		if (stored?.header.get('Nats-Msg-Id') === id) return stored.seq
		// A stream that was made anew held nothing before.
		const reached = epoch === before!.epoch ? before!.sequence : 0
		if ((first ?? last.sequence + 1) <= reached + 1) return undefined
		// The stream never holds it again, and whatever waits behind this event could be stored.
		throw new UndecidedError(
			'An event was sent and not answered; whether it was stored cannot be found out, since the stream has ' +
				'dropped what it held then.'
		)
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
			throw new UnsentError(`The NATS connection is closed; ${remedy}.`)
		}
		if (!this.#connected) throw new UnsentError('The NATS connection is away.')
	}

	protected override explain(thrown: unknown): SseError {
		return natsError(thrown)
	}

	protected override follow(tail: TailLoop, ended: AbortSignal): Promise<void> {
		return followNats(this, tail, ended)
	}

	protected override async readAfter(position: Position, limit: number): Promise<Page> {
		const state = await this.state()
		const gap = findGap(position, gapState(position, state), true)
		return gap ? { entries: [], gap, more: false } : this.#range(position, state, limit)
	}

	protected override async findHead(): Promise<Cursor> {
		return formatCursor(await this.endOf(await this.state()))
	}

	protected override sendSignal(text: string): Promise<unknown> {
		return this.#connectedWhile(() => {
			this.connection.publish(this.signals, text)
			return this.connection.flush()
		})
	}
}
