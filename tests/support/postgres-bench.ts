import { readFile } from 'node:fs/promises'
import { Pool, type PoolConfig } from 'pg'
import { afterAll, afterEach, beforeAll } from 'vitest'
import {
	postgres,
	type PostgresBroker,
	type PostgresOptions
} from '../../src/lib/brokers/postgres.js'
import { namesOf } from '../../src/lib/brokers/postgres-names.js'
import type { Broker } from '../../src/lib/hub/broker.js'
import { before, Recorder } from '../../src/lib/testing/conformance/recorder.js'
import { startPostgres, type ServerProcess } from './servers.js'

/** A real PostgreSQL for the tests of one file, and what they make of it; closed after each. */
export class PostgresBench {
	server!: ServerProcess
	/** For the tests themselves; no broker uses it unless it is told to. */
	pool!: Pool
	#pools: Pool[] = []
	#brokers: Broker[] = []
	/** Ends the transactions that a failed test has left open. */
	#held = new Set<() => Promise<void>>()
	#batches = 0

	constructor() {
		beforeAll(async () => {
			this.server = await startPostgres()
			this.pool = new Pool({ connectionString: this.server.url, application_name: 'test', max: 20 })
		})
		afterEach(async () => {
			for (const release of this.#held) await release()
			await Promise.all(this.#brokers.map((broker) => broker.close()))
			await Promise.all(this.#pools.map((pool) => pool.end()))
			this.#pools = []
			this.#brokers = []
		})
		afterAll(async () => {
			await this.pool?.end()
			await this.server?.close()
		})
	}

	connect(config: PoolConfig = {}): Pool {
		const pool = new Pool({ connectionString: this.server.url, ...config })
		this.#pools.push(pool)
		return pool
	}

	broker(options: PostgresOptions = {}, pool = this.connect()): PostgresBroker {
		const broker = postgres(pool, { onError: () => {}, ...options })
		this.#brokers.push(broker)
		return broker
	}

	/** Starts a migration; if it fails, that shows where it is awaited. */
	startMigration(options: PostgresOptions = {}): Promise<void> {
		const migrating = this.broker(options).migrate()
		migrating.catch(() => {})
		return migrating
	}

	async follow(broker: Broker): Promise<Recorder> {
		const tail = new Recorder(broker)
		await tail.untilLive()
		return tail
	}

	async rows(text: string, values?: unknown[]): Promise<Record<string, unknown>[]> {
		const { rows } = await this.pool.query(text, values)
		return rows as Record<string, unknown>[]
	}

	/** An open transaction that has run a statement; returns a function that ends it. */
	async hold(text: string): Promise<() => Promise<void>> {
		const client = await this.pool.connect()
		await client.query('begin')
		await client.query(text)
		const release = async () => {
			if (!this.#held.delete(release)) return
			await client.query('commit')
			client.release()
		}
		this.#held.add(release)
		return release
	}

	/** The statements of brokers that wait for a lock. */
	async waiting(): Promise<string[]> {
		const rows = await this.rows(`select query from pg_stat_activity
			where wait_event_type = 'Lock' and application_name <> 'test'`)
		return rows.map(({ query }) => String(query))
	}

	/** Drops the log, and makes it as the first version made it. */
	async makeFirstVersion(): Promise<void> {
		await this.drop()
		await this.pool.query(
			await readFile(new URL('postgres-version-1.sql', import.meta.url), 'utf8')
		)
	}

	/** Appends as a process of the first version does. */
	async appendAsFirst(...data: string[]): Promise<void> {
		const values = [`first-${++this.#batches}`, data]
		await this.pool.query(
			`select * from sveltekit_sse_append($1, array_fill('t'::text, array[cardinality($2::text[])]),
				array_fill('n'::text, array[cardinality($2)]), $2, array_fill(null::text, array[cardinality($2)]),
				array_fill(''::text, array[cardinality($2)]))`,
			values
		)
	}

	/** Inserts rows as other programs do; the data are numbers. */
	async insert(rows: number, from = 1): Promise<void> {
		await this.pool.query(
			`insert into sveltekit_sse (topic, name, data)
				select 't', 'n', nth::text from generate_series($1::int, $2::int) as nth`,
			[from, from + rows - 1]
		)
	}

	/**
	 * Makes updates and deletes of the log take 0.06 ms more for each row, so that how long a statement takes depends on
	 * its rows and not on the machine: a portion of 5,000 takes 0.3 s. The triggers go with the table.
	 */
	async slowDown(): Promise<void> {
		await this.pool.query(`
			create or replace function slow_down() returns trigger language plpgsql as $$
			begin
				perform pg_sleep(0.00006 * (select count(*) from changed));
				return null;
			end $$;
			create trigger slow_updates after update on sveltekit_sse referencing new table as changed
				for each statement execute function slow_down();
			create trigger slow_deletes after delete on sveltekit_sse referencing old table as changed
				for each statement execute function slow_down()`)
	}

	/** Makes the log's functions wait for locks for longer than any test. */
	async makePatient(): Promise<void> {
		await this.pool.query(`
			do $$ declare routine regprocedure; begin
				for routine in select oid from pg_proc where proname like 'sveltekit\\_sse\\_%' loop
					execute format('alter function %s set lock_timeout = %L', routine, '1h');
				end loop;
			end $$`)
	}

	async count(condition: string): Promise<number> {
		const [row] = await this.rows(
			`select count(*)::int as count from sveltekit_sse where ${condition}`
		)
		return row?.count as number
	}

	async drop(table = 'sveltekit_sse'): Promise<void> {
		const names = namesOf(table)
		await this.pool.query(`drop table if exists ${names.table}, ${names.state} cascade`)
	}
}

/**
 * What a promise rejects with; fails if it takes longer than the limit, or resolves. A stall of this process delays the timer and those of a broker
 * alike, so that they fire in the same order as on a fast machine.
 */
export function rejection(limitMs: number, promise: Promise<unknown>): Promise<unknown> {
	const error = promise.then(
		(value) => {
			throw new Error(`Resolved with ${JSON.stringify(value)}.`)
		},
		(error: unknown) => error
	)
	return before(error, limitMs, 'rejected')
}
