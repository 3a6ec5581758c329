/**
 * A hub's log in PostgreSQL.
 *
 * @module sveltekit-sse/postgres
 */

import type { SseError } from '../errors.js'
import type {
	AppendOptions,
	Broker,
	BrokerHistory,
	BrokerOptions,
	Cursor,
	Entry,
	Page
} from '../hub/broker.js'
import { sharedBounds } from '../hub/bounds.js'
import { createEpoch, findGap, formatCursor, type Position } from '../hub/cursor.js'
import { invalid } from '../parts/check.js'
import type { Batch, Prepared } from './append-queue.js'
import { Budget, isAway, UndecidedError, UnsentError, withDeadline } from './deadline.js'
import { EngineBroker, weigh } from './engine-broker.js'
import { postgresError, type PostgresPool, type PostgresQueryable } from './postgres-client.js'
import { migrate } from './postgres-migrate.js'
import { namesOf, type PostgresNames } from './postgres-names.js'
import { numberAll, numberPortion, type RunQuery } from './postgres-number.js'
import { Pruner } from './postgres-pruner.js'
import { query } from './postgres-query.js'
import { columnsOf, logEntry, type Row } from './postgres-rows.js'
import { followPostgres } from './postgres-tail.js'
import type { TailLoop } from './tail-loop.js'

export type { PostgresClient, PostgresPool, PostgresQueryable } from './postgres-client.js'
export { migration } from './postgres-migration.js'

/** Where the log lies in PostgreSQL, and how much of it is kept. */
export interface PostgresOptions extends BrokerOptions {
	/**
	 * The table that is the log, `name` or `schema.name`, of a-z, 0-9 and `_`. Its state, index, trigger and functions
	 * are named after it. Hubs with the same table share a log.
	 *
	 * @default 'sveltekit_sse'
	 */
	table?: string | undefined
	/** How much of the past the table keeps. Processes that append or tail prune it now and then. */
	history?: BrokerHistory | undefined
	/**
	 * How long one call may take, in milliseconds: waiting for a client of the pool and for the answer together.
	 * The server then ends the statement too. Its functions give up by themselves if they wait four seconds for a lock.
	 *
	 * @default 5_000
	 */
	timeout?: number | undefined
}

/** A broker that makes its own tables. */
export interface PostgresBroker extends Broker {
	/**
	 * Makes the tables and functions, or brings those of an earlier version up to date. If they are of this version or a
	 * later one, it changes nothing and takes no lock. Any number of processes may do that at once, and processes of
	 * several versions may use the table at once.
	 *
	 * It waits 200 ms at a time for a lock, and publishers wait behind it; to end an autovacuum it waits up to 1.5 s. If
	 * an open transaction that has published keeps it from a table of an earlier version, it tries again until twice the
	 * `timeout` has passed, and then rejects with `timeout`; call it again once that transaction has ended. Before, it
	 * numbers the rows that are pending, without a limit of time, and holds up nobody meanwhile.
	 */
	migrate(): Promise<void>
}

/**
 * A log in a table of PostgreSQL 12 or newer, with LISTEN/NOTIFY to wake up those who follow.
 *
 * Order: that of commits. A row becomes part of the log only when its transaction has committed and it is given the
 * next number, under a lock that is held for one short statement; so no cursor can skip a row that was inserted early
 * and committed late, and a long transaction holds up nobody. Durability: that of your database. `publish` with
 * `{ client }` takes part in your own transaction. Each tail keeps one client of the pool. LISTEN needs a real
 * session: behind a pooler in transaction mode events arrive up to five seconds late.
 *
 * @example
 * ```ts
 * import { Pool } from 'pg'
 * import { Hub } from 'sveltekit-sse/hub'
 * import { postgres } from 'sveltekit-sse/postgres'
 *
 * const pool = new Pool({ connectionString: 'postgres://localhost/shop' })
 * // A client that nobody listens to ends the process if its connection breaks while you use it.
 * pool.on('connect', (client) => client.on('error', console.error))
 * const broker = postgres(pool)
 * await broker.migrate()
 *
 * export const hub = new Hub({ broker })
 * ```
 */
export function postgres(pool: PostgresPool, options: PostgresOptions = {}): PostgresBroker {
	return new PostgresLog(pool, options)
}

/** @internal The outlines of the log, and rows behind a position, in one snapshot. */
export interface PostgresState {
	readonly epoch: string
	readonly last: { readonly sequence: number; readonly mark: number }
	readonly first: number | undefined
	readonly found: boolean
	/** What this process had appended last before it asked. */
	readonly appended: Position | undefined
	readonly rows: Row[]
}

interface LogEnd {
	readonly epoch: string
	readonly sequence: number
}

interface PostgresEntry extends Prepared {
	readonly entry: Entry
}

/** @internal Made by `postgres()`. */
export class PostgresLog extends EngineBroker<PostgresEntry> implements PostgresBroker {
	readonly pool: PostgresPool
	readonly names: PostgresNames
	readonly pruner: Pruner
	/** The last entry that this process has appended. If the log does not hold it any more, it was rolled back. */
	appended: Position | undefined
	readonly #table: string
	readonly #publisher = createEpoch()
	/** How far the log is known to reach at least. */
	#reached: LogEnd | undefined
	/** The batch that was sent last, and how far the log was known to reach before. */
	#sent: { readonly number: number; readonly before: LogEnd } | undefined
	// Clients that idle in the pool break too, and a pool without a listener ends the process then.
	readonly #onPoolError = (error: Error) => this.failed(postgresError(error))

	constructor(
		pool: PostgresPool,
		{ table = 'sveltekit_sse', timeout = 5_000, ...options }: PostgresOptions
	) {
		super({ ...options, name: 'postgres', engine: 'PostgreSQL', timeout })
		if (typeof pool?.connect !== 'function' || typeof pool.on !== 'function') {
			throw invalid('The argument of postgres()', 'a `Pool` of the package `pg`', pool)
		}
		this.names = namesOf(table)
		this.pool = pool
		this.#table = table
		const { events, age } = sharedBounds(options.history)
		const bounds = [events, age].map((bound) => (Number.isFinite(bound) ? bound : null))
		this.pruner = new Pruner({ age }, () => this.#prune(bounds))
		pool.on('error', this.#onPoolError)
	}

	async migrate(): Promise<void> {
		this.assertOpen()
		await this.call(() => migrate(this, this.#table))
	}

	override async append(entries: readonly Entry[], options: AppendOptions = {}): Promise<Cursor[]> {
		if (options.client === undefined) return super.append(entries, options)
		this.assertOpen()
		return this.#appendIn(options.client, entries)
	}

	override async close(): Promise<void> {
		if (this.closed) return
		await super.close()
		await this.pruner.idle()
		this.pool.removeListener('error', this.#onPoolError)
	}

	async state(
		run: RunQuery,
		position: Position | undefined,
		limit: number
	): Promise<PostgresState> {
		const { table, state, routine } = this.names
		const text = `select s.epoch, s.sequence as last, s.at as last_at,
				(select min(sequence) from ${table}) as first,
				exists (select from ${table} where sequence = $1 and at = $2) as found,
				e.*
			from ${state} s left join lateral (
				select sequence, topic, name, data, sender, flags, at
				from ${table} where sequence > $1 order by sequence limit $3
			) e on true order by e.sequence`
		const { sequence = 0, mark = 0 } = position ?? {}
		const { appended } = this
		const rows = (await run(text, [sequence, mark, limit])) as (Row & Record<string, unknown>)[]
		const [row] = rows
		if (!row) {
			await run(`select ${routine('lock')}()`)
			return this.state(run, position, limit)
		}
		const epoch = String(row.epoch)
		const last = { sequence: Number(row.last), mark: Number(row.last_at) }
		this.#reach({ epoch, sequence: last.sequence })
		return {
			epoch,
			last,
			first: row.first === null ? undefined : Number(row.first),
			found: row.found === true,
			appended,
			// A row with a number of somebody's own stands beyond the log, until it is given another one. In the query, this
			// condition would cost the index.
			rows: rows.filter(({ sequence }) => sequence !== null && Number(sequence) <= last.sequence)
		}
	}

	/** The state with everything that is committed by now. */
	async #current(position: Position | undefined, limit: number): Promise<PostgresState> {
		const budget = new Budget(this.timeout)
		await numberAll(this.names, this.pool, budget)
		return this.state((...args) => query(this.pool, budget, ...args), position, limit)
	}

	protected override prepare(entry: Entry): PostgresEntry {
		return { entry, bytes: weigh(entry) }
	}

	protected override async write(batch: Batch<PostgresEntry>): Promise<Cursor[]> {
		const budget = new Budget(this.timeout)
		let row = await this.#store(batch, budget)
		while (!row) {
			await numberAll(this.names, this.pool, budget)
			row = await this.#store(batch, budget)
		}
		const epoch = String(row.log_epoch)
		const mark = Number(row.appended_at)
		const first = Number(row.first_sequence)
		const cursors = batch.entries.map((_, index) => ({ epoch, sequence: first + index, mark }))
		this.appended = cursors.at(-1)
		if (this.appended) this.#reach(this.appended)
		this.pruner.count(cursors.length)
		return cursors.map(formatCursor)
	}

	/** Resolves with nothing if so much is pending that the batch was not stored. */
	async #store(
		{ number, entries }: Batch<PostgresEntry>,
		budget: Budget
	): Promise<Record<string, unknown> | undefined> {
		const run: RunQuery = (...args) => query(this.pool, budget, ...args)
		const id = `${this.#publisher}-${number}`
		const sent = this.#sent
		let isAsked = false
		try {
			if (sent?.number === number) await this.#assertDecidable(id, sent.before, run)
			else if (!this.#reached) {
				// A function limits its waits for locks, also behind a pooler; the query of the state does not.
				await numberPortion(this.names, run)
				await this.state(run, undefined, 0)
			}
			const text = `select * from ${this.names.routine('append')}($1, $2, $3, $4, $5, $6)`
			const columns = columnsOf(entries.map(({ entry }) => entry))
			const [row] = await query(this.pool, budget, text, [id, ...columns], () => {
				isAsked = true
				if (this.#sent?.number !== number) this.#sent = { number, before: this.#reached! }
			})
			if (row && row.log_epoch !== null) return row
			// It was answered: nothing is open about this try.
			this.#sent = sent
			return undefined
		} catch (error) {
			if (isAsked || error instanceof UndecidedError || !isAway(error)) throw error
			const { message, code } = error as SseError
			throw new UnsentError(message, code, error)
		}
	}

	#reach({ epoch, sequence }: LogEnd): void {
		const reached = this.#reached
		if (reached?.epoch !== epoch || reached.sequence < sequence) this.#reached = { epoch, sequence }
	}

	/** A batch that was sent and not answered is known by its row; once that may have been pruned, nothing tells. */
	async #assertDecidable(id: string, before: LogEnd, run: RunQuery): Promise<void> {
		const { table, state } = this.names
		const text = `select epoch, sequence as last, (select min(sequence) from ${table}) as first,
			exists (select from ${table} where batch = $1) as found from ${state}`
		const [row] = (await run(text, [id])) as Record<string, unknown>[]
		if (!row || row.found === true) return
		const reached = row.epoch === before.epoch ? before.sequence : 0
		if (Number(row.first ?? Number(row.last) + 1) <= reached + 1) return
		throw new UndecidedError(
			'An event was sent and not answered; whether it was stored cannot be found out, since the log has been ' +
				'pruned beyond it.'
		)
	}

	/** `read`, `head`, `signal` and `migrate` end by budgets of their own; a second timer would hide what those tell. */
	protected override call<T>(run: () => Promise<T>): Promise<T> {
		return super.call(run, Infinity)
	}

	protected override explain(thrown: unknown): SseError {
		return postgresError(thrown)
	}

	protected override follow(tail: TailLoop, ended: AbortSignal): Promise<void> {
		return followPostgres(this, tail, ended)
	}

	protected override async readAfter(position: Position, limit: number): Promise<Page> {
		const state = await this.#current(position, limit)
		const gap = findGap(position, state, state.found)
		if (gap) return { entries: [], gap, more: false }
		const entries = state.rows.map((row) => logEntry(state.epoch, row))
		return { entries, more: position.sequence + entries.length < state.last.sequence }
	}

	protected override async findHead(): Promise<Cursor> {
		const { epoch, last } = await this.#current(undefined, 0)
		return formatCursor({ epoch, ...last })
	}

	protected override sendSignal(text: string): Promise<unknown> {
		return this.#query('select pg_notify($1, $2)', [this.names.channel, `s${text}`])
	}

	/** Into the user's transaction go plain rows; they are numbered once it has committed. */
	async #appendIn(client: unknown, entries: readonly Entry[]): Promise<Cursor[]> {
		const { query } = client as Partial<PostgresQueryable>
		// A pool would take any of its clients: the event would be stored whatever becomes of the transaction.
		if (typeof query !== 'function' || client === this.pool || 'totalCount' in (client as object)) {
			const expected = 'the client of `pg` in whose transaction to publish, no pool'
			throw invalid('`client`', expected, client)
		}
		const text = `insert into ${this.names.table} (topic, name, data, sender, flags)
			select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])`
		try {
			const inserted = (client as PostgresQueryable).query(text, columnsOf(entries))
			await withDeadline(inserted, this.timeout, 'PostgreSQL')
		} catch (error) {
			throw postgresError(error)
		}
		return []
	}

	async #prune(bounds: (number | null)[]): Promise<void> {
		const text = `select ${this.names.routine('prune')}($1::bigint, $2::bigint) as dropped`
		try {
			for (let dropped = 1; dropped > 0 && !this.closed;) {
				const [row] = await this.#query(text, bounds)
				dropped = Number(row?.dropped)
			}
		} catch (error) {
			// An outage is told by others; it will be pruned the next time.
			if ((error as SseError).code !== 'network') this.report(error, 'trim')
		}
	}

	#query(text: string, values?: unknown[]): Promise<Record<string, unknown>[]> {
		return query(this.pool, this.timeout, text, values)
	}
}
