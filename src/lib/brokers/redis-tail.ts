import { SseError } from '../errors.js'
import { findGap, parseCursor, type Position } from '../hub/cursor.js'
import { withDeadline } from './deadline.js'
import type { RedisClient } from './redis-client.js'
import {
	logEntry,
	positionOf,
	readEntries,
	scriptEntries,
	type StreamEntry
} from './redis-entries.js'
import type { RedisBroker, RedisState } from './redis.js'
import type { TailLoop } from './tail-loop.js'

/** How long one XREAD waits for entries. Then the tail looks whether it still hangs on the right log. */
const block = 5_000
/** Entries in one answer. */
const page = 250

/** Follows the stream on a connection of its own, for as long as that holds. */
export async function followRedis(
	broker: RedisBroker,
	tail: TailLoop,
	ended: AbortSignal
): Promise<void> {
	const connection = broker.client.duplicate()
	let cause: Error | undefined
	// The client would reconnect by itself; but then nobody would check what became of the log meanwhile.
	const destroy = () => {
		try {
			connection.destroy()
		} catch {
			// It was not open, or is closed already.
		}
	}
	connection.on('error', (error) => {
		cause ??= error
		destroy()
	})
	ended.addEventListener('abort', destroy)
	try {
		await connect(connection, broker.timeout, ended)
		await new RedisTail(broker, tail, connection).run()
	} catch (error) {
		throw cause ?? error
	} finally {
		ended.removeEventListener('abort', destroy)
		destroy()
	}
}

/** A client whose server is away may try for ever; here it gets one try, and none once the tail is closed. */
function connect(connection: RedisClient, timeout: number, ended: AbortSignal): Promise<void> {
	return new Promise((resolve, reject) => {
		if (ended.aborted) return reject(new SseError('closed', 'The tail was closed.'))
		const stop = () => reject(new SseError('closed', 'The tail was closed.'))
		ended.addEventListener('abort', stop)
		connection.on('error', reject)
		withDeadline(connection.connect(), timeout, 'Redis')
			.then(() => resolve(), reject)
			.finally(() => ended.removeEventListener('abort', stop))
	})
}

class RedisTail {
	#signal = '0-0'

	constructor(
		private readonly broker: RedisBroker,
		private readonly tail: TailLoop,
		private readonly connection: RedisClient
	) {}

	/** Rejects when the connection is lost. */
	async run(): Promise<never> {
		const { tail } = this
		await this.#place()
		for (;;) {
			const { log, signals } = this.broker.keys
			const { mark, sequence } = tail.position as Position
			const streams = [
				{ key: log, id: `${mark}-${sequence}` },
				{ key: signals, id: this.#signal }
			]
			const answer = this.connection.xRead(streams, { COUNT: page, BLOCK: block })
			const reply = await withDeadline(answer, block + this.broker.timeout, 'Redis')
			if (!reply) {
				await this.#check()
				continue
			}
			await this.#hand(readEntries(reply, log))
			tail.live()
			this.#hear(readEntries(reply, signals))
		}
	}

	/** Finds the tail's place at the start, and after an outage what became of it. */
	async #place(): Promise<void> {
		const { tail, broker } = this
		const before = tail.position
		if (!before) return this.#start()
		const state = await broker.state(this.connection, before)
		this.#signal = state.signal
		const { appended } = state
		const isNews = appended && appended !== tail.lost && appended.epoch === state.epoch
		if (isNews && appended.sequence > before.sequence) {
			const other = await broker.state(this.connection, appended)
			// What this process was told is stored is not: entries were lost that nobody has seen.
			if (findGap(appended, other, other.found) === 'unknown') return this.#gap('unknown', other)
		}
		this.#checkPosition(before, state)
		await this.#catchUp(state.last.sequence)
	}

	async #start(): Promise<void> {
		const { tail, broker } = this
		const { start } = tail
		if (start !== 'now' && 'last' in start) return this.#startWithLast(start.last)
		const after = start === 'now' ? undefined : parseCursor(start.after)
		const state = await broker.state(this.connection, after)
		this.#signal = state.signal
		if (start === 'now') tail.position = end(state)
		else this.#checkPosition(after, state)
		await this.#catchUp(state.last.sequence)
	}

	/** Reads backwards, since nobody knows the id of the n-th entry from the end. */
	async #startWithLast(count: number): Promise<void> {
		const { tail, broker } = this
		const state = await broker.state(this.connection)
		this.#signal = state.signal
		const entries: StreamEntry[] = []
		let from = `${state.last.mark}-${state.last.sequence}`
		while (entries.length < count && state.last.sequence > 0) {
			const limit = Math.min(page, count - entries.length)
			const args = [from, String(limit)]
			const batch = scriptEntries(await broker.run(this.connection, 'back', args))
			entries.push(...batch)
			const last = batch.at(-1)
			if (!last || batch.length < limit) break
			from = `(${last.id}`
		}
		tail.position = end(state)
		if (entries.length) tail.hand(entries.reverse().map(logEntry), end(state))
		tail.live()
	}

	async #catchUp(until: number): Promise<void> {
		const { tail, broker } = this
		while ((tail.position as Position).sequence < until) {
			const state = await broker.state(this.connection, tail.position, page)
			if (!state.entries.length) break
			await this.#hand(state.entries)
		}
		tail.live()
	}

	/** Hands over entries that follow one another. Where there is a hole, finds out what happened; the rest is read again. */
	async #hand(entries: StreamEntry[]): Promise<void> {
		const { tail, broker } = this
		const before = tail.position as Position
		const hole = entries.findIndex((entry, index) => {
			const { epoch, sequence } = positionOf(entry)
			return epoch !== before.epoch || sequence !== before.sequence + 1 + index
		})
		const whole = hole < 0 ? entries : entries.slice(0, hole)
		const last = whole.at(-1)
		if (last) tail.hand(whole.map(logEntry), positionOf(last))
		if (hole < 0) return
		const position = tail.position as Position
		const state = await broker.state(this.connection, position)
		if (this.#checkPosition(position, state)) return
		// The log is the same and has not been trimmed so far: somebody deleted entries out of the middle.
		const next = positionOf(entries[hole] as StreamEntry)
		tail.gap('trimmed', { ...next, sequence: next.sequence - 1 })
	}

	/** True if there was a gap. */
	#checkPosition(position: Position | undefined, state: RedisState): boolean {
		const reason = findGap(position, state, state.found)
		if (reason) this.#gap(reason, state)
		else this.tail.position = position
		return reason !== undefined
	}

	#gap(reason: 'trimmed' | 'epoch' | 'unknown', state: RedisState): void {
		const { oldest } = state
		if (reason === 'unknown') this.tail.lost = state.appended
		if (reason === 'unknown' || !oldest) return this.tail.gap(reason, end(state))
		this.tail.gap(reason, { ...oldest, sequence: oldest.sequence - 1 })
	}

	/**
	 * Nothing came for a while. That may be because nothing was appended, or because this connection hangs on a server
	 * that is no longer the one that others append to, or because the log began anew under ids that lie behind ours.
	 */
	async #check(): Promise<void> {
		const { tail, broker } = this
		const { sequence } = tail.position as Position
		const elsewhere = await broker.state(broker.client).catch(() => undefined)
		const state = await broker.state(this.connection, tail.position)
		const behind = elsewhere?.epoch === state.epoch && elsewhere.last.sequence > state.last.sequence
		if (behind)
			throw new SseError('network', 'The connection hangs on a server that is not current.')
		this.#checkPosition(tail.position, state)
		if (state.last.sequence !== sequence) await this.#catchUp(state.last.sequence)
		tail.live()
	}

	#hear(messages: StreamEntry[]): void {
		for (const { id, fields } of messages) {
			this.#signal = id
			this.tail.signal(fields.s ?? '')
		}
	}
}

function end({ epoch, last }: RedisState): Position {
	return { epoch, ...last }
}
