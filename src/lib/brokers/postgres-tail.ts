import { clock } from '../clock.js'
import { SseError } from '../errors.js'
import { findGap, parseCursor, type Position } from '../hub/cursor.js'
import { borrow, serverLimit, type PostgresClient } from './postgres-client.js'
import { Budget, withDeadline } from './deadline.js'
import type { PostgresLog, PostgresState } from './postgres.js'
import { logEntry, positionOf, type Row } from './postgres-rows.js'
import { numberPortion } from './postgres-number.js'
import type { TailLoop } from './tail-loop.js'

/** Without a notification the tail looks by itself after so long: one may be lost in a proxy, or in a poolers' pool. */
const lookEvery = 5_000
/** Entries in one answer. */
const page = 250

/** Follows the table on a client of its own, which is woken by notifications, for as long as that holds. */
export async function followPostgres(
	broker: PostgresLog,
	tail: TailLoop,
	ended: AbortSignal
): Promise<void> {
	let client: PostgresClient | undefined
	const follower = new PostgresTail(broker, tail, ended)
	const lost = (error?: Error) =>
		follower.stop(error ?? new SseError('network', 'PostgreSQL has closed the connection.'))
	const closed = () => follower.stop(new SseError('closed', 'The tail was closed.'))
	ended.addEventListener('abort', closed)
	try {
		client = await borrow(broker.pool, new Budget(broker.timeout))
		client.on('error', lost)
		client.on('end', lost)
		client.on('notification', ({ payload }) => follower.notified(payload ?? ''))
		await follower.run(client)
	} finally {
		ended.removeEventListener('abort', closed)
		client?.removeAllListeners('notification')
		// It listens, and perhaps hangs: nobody else shall get it.
		client?.release(true)
	}
}

class PostgresTail {
	#client!: PostgresClient
	#awake = true
	#pending = true
	#failure: Error | undefined
	#wake: (() => void) | undefined

	constructor(
		private readonly broker: PostgresLog,
		private readonly tail: TailLoop,
		private readonly ended: AbortSignal
	) {}

	stop(error: Error): void {
		this.#failure ??= error
		this.#wake?.()
	}

	notified(payload: string): void {
		if (payload.startsWith('s')) return this.tail.signal(payload.slice(1))
		if (payload === 'n') this.#pending = true
		this.#awake = true
		this.#wake?.()
	}

	/** Rejects when the connection is lost. */
	async run(client: PostgresClient): Promise<never> {
		this.#client = client
		const { tail, broker } = this
		await this.#limitStatements()
		// First listen, then look: what is committed in between wakes up once too often, not once too little.
		await this.#query(`listen "${broker.names.channel}"`)
		await this.#place()
		for (;;) {
			while (this.#awake) await this.#look()
			tail.live()
			await this.#sleep()
			broker.pruner.due()
		}
	}

	/**
	 * Has the server end a statement that this process no longer waits for. Only in a session of our own: behind a
	 * pooler in transaction mode the setting would stay with a connection that others use.
	 */
	async #limitStatements(): Promise<void> {
		const { processID } = this.#client
		if (!processID) return
		const text = `select set_config('statement_timeout', $1, false) where pg_backend_pid() = $2`
		await this.#query(text, [serverLimit(this.broker.timeout), processID])
	}

	async #place(): Promise<void> {
		const { tail, broker } = this
		// The start may be the end of the log, so that everything committed must be numbered before.
		while (await this.#number()) continue
		if (tail.position) {
			const { appended } = broker
			const before = tail.position
			const isNews = appended && appended !== tail.lost && appended.epoch === before.epoch
			if (isNews && appended.sequence > before.sequence) {
				const state = await this.#read(appended, 0)
				// What this process was told is stored is not: the log was rolled back.
				if (findGap(appended, state, state.found) === 'unknown') this.#gap('unknown', state)
			}
			return
		}
		const { start } = tail
		if (start !== 'now' && 'after' in start) {
			const after = parseCursor(start.after)
			const state = await this.#read(after, 0)
			// Retry until the position is known.
			this.#checkPosition(after, state)
			return
		}
		const state = await this.#read(undefined, 0)
		tail.position = end(state)
		const count = start === 'now' ? 0 : Math.max(0, start.last)
		const sequence = Math.max(state.last.sequence - count, (state.first ?? Infinity) - 1)
		if (count > 0 && sequence < state.last.sequence) {
			tail.position = { epoch: state.epoch, sequence, mark: await this.#markOf(sequence) }
		}
	}

	/** Hands over the next page, or finds out why there is none that follows. */
	async #look(): Promise<void> {
		const { tail, broker } = this
		this.#awake = false
		// What is numbered is handed over before the next portion.
		if (this.#pending && (await this.#number())) this.#awake = this.#pending = true
		const before = tail.position as Position
		const state = await this.#read(before, page)
		const [first] = state.rows
		const last = state.rows.at(-1)
		if (this.#checkPosition(before, state)) {
			this.#awake = true
			return
		}
		if (!first || !last) return
		if (positionOf(state.epoch, first).sequence !== before.sequence + 1 || !dense(state.rows)) {
			return this.#handAroundHoles(state)
		}
		tail.hand(
			state.rows.map((row) => logEntry(state.epoch, row)),
			positionOf(state.epoch, last)
		)
		broker.pruner.count(state.rows.length)
		if (state.rows.length === page) this.#awake = true
	}

	/** Somebody deleted rows out of the middle. */
	#handAroundHoles(state: PostgresState): void {
		const { tail } = this
		for (const row of state.rows) {
			const position = positionOf(state.epoch, row)
			const before = tail.position as Position
			if (position.sequence !== before.sequence + 1) {
				tail.gap('trimmed', { ...position, sequence: position.sequence - 1 })
			}
			tail.hand([logEntry(state.epoch, row)], position)
		}
		this.#awake = true
	}

	/** True if there was a gap. */
	#checkPosition(position: Position | undefined, state: PostgresState): boolean {
		const reason = findGap(position, state, state.found)
		if (reason) this.#gap(reason, state)
		else this.tail.position = position
		return reason !== undefined
	}

	#gap(reason: 'trimmed' | 'epoch' | 'unknown', state: PostgresState): void {
		const { epoch, first } = state
		if (reason === 'unknown') this.tail.lost = state.appended
		if (reason === 'unknown' || first === undefined) return this.tail.gap(reason, end(state))
		this.tail.gap(reason, { epoch, sequence: first - 1, mark: 0 })
	}

	#read(position: Position | undefined, limit: number): Promise<PostgresState> {
		return this.broker.state((text, values) => this.#query(text, values), position, limit)
	}

	/** Numbers a portion. Resolves with whether more may be left. */
	#number(): Promise<boolean> {
		this.#pending = false
		return numberPortion(this.broker.names, (...args) => this.#query(...args))
	}

	/** The mark of an entry; of one that is gone, anything will do. */
	async #markOf(sequence: number): Promise<number> {
		const text = `select at from ${this.broker.names.table} where sequence = $1`
		const [row] = await this.#query(text, [sequence])
		return Number(row?.at ?? 0)
	}

	async #query(text: string, values: unknown[] = []): Promise<Row[]> {
		if (this.#failure) throw this.#failure
		const { timeout } = this.broker
		const { rows } = await withDeadline(this.#client.query(text, values), timeout, 'PostgreSQL')
		if (this.ended.aborted) throw new SseError('closed', 'The tail was closed.')
		return rows as unknown as Row[]
	}

	#sleep(): Promise<void> {
		return new Promise((resolve, reject) => {
			const timer = clock.setTimeout(() => this.notified('n'), lookEvery)
			this.#wake = () => {
				this.#wake = undefined
				clock.clearTimeout(timer)
				if (this.#failure) reject(this.#failure)
				else resolve()
			}
			if (this.#awake || this.#failure) this.#wake()
		})
	}
}

function dense(rows: readonly Row[]): boolean {
	const first = Number(rows[0]?.sequence)
	return rows.every(({ sequence }, index) => Number(sequence) === first + index)
}

function end({ epoch, last }: PostgresState): Position {
	return { epoch, ...last }
}
