import { clock } from '../clock.js'
import { SseError } from '../errors.js'
import { Budget, pause, retryDelay } from './deadline.js'
import { cancel } from './postgres-cancel.js'
import {
	borrow,
	isBroken,
	postgresError,
	serverLimit,
	sqlState,
	type PostgresClient,
	type PostgresPool
} from './postgres-client.js'
import { portionRows } from './postgres-functions.js'
import { findHolders, type Holders } from './postgres-holders.js'
import { backlogState, completion, migrationLock, preparation } from './postgres-migration.js'
import { namesOf, routineNames, type PostgresNames } from './postgres-names.js'
import { numberPortion } from './postgres-number.js'
import { query } from './postgres-query.js'
import { schemaVersion, versionOf } from './postgres-version.js'

/** Everybody who publishes waits behind a migration that waits for its lock; this is the longest such wait. */
const lockTimeoutMs = 200
/** PostgreSQL ends an autovacuum for a waiter that has waited for its `deadlock_timeout`, which is 1 s by default. */
const vacuumLockTimeoutMs = 1_500
/** Somebody else holds a lock that the migration needs, or a migration in another process was faster. */
const heldByOthers = /^(55P03|40P01|40001)$/

/** What the migration needs of the broker. */
interface Migrating {
	readonly pool: PostgresPool
	readonly timeout: number
	readonly closed: boolean
	closedError(): SseError
}

/** Brings the table up to date. Never waits long for others' transactions, and never makes them wait long. */
export async function migrate(broker: Migrating, table: string): Promise<void> {
	const [found] = await query(broker.pool, broker.timeout, ...look(namesOf(table)))
	if (!isUpToDate(found)) await new Migration(broker, table).run()
}

class Migration {
	readonly #broker: Migrating
	readonly #names: PostgresNames
	readonly #started = clock.now()
	/** Milliseconds that may still be spent with tries. To number a backlog takes as long as it takes. */
	#left: number
	#tries = 0
	#lockTimeout = lockTimeoutMs
	/** Why the last try failed. */
	#held: { readonly cause: unknown; readonly by: Holders | undefined } | undefined

	constructor(broker: Migrating, table: string) {
		this.#broker = broker
		this.#names = namesOf(table)
		this.#left = 2 * broker.timeout
	}

	async run(): Promise<void> {
		await this.#insist(preparation(this.#names))
		do await this.#numberBacklog()
		while (!(await this.#insist(completion(this.#names, portionRows))))
	}

	/** While others publish, so that the short transaction that locks the table finds little to number. */
	async #numberBacklog(): Promise<void> {
		const { pool, timeout } = this.#broker
		while (await numberPortion(this.#names, (...args) => query(pool, timeout, ...args))) {
			this.#assertOpen()
		}
	}

	/** Tries until nobody holds what the SQL needs. False if the backlog has grown too long meanwhile. */
	async #insist(text: string): Promise<boolean> {
		for (let failures = 0; ; failures++) {
			const start = clock.now()
			const failure = await this.#try(text)
			if (failure === undefined || sqlState(failure) === backlogState) {
				this.#left -= clock.now() - start
				return failure === undefined
			}
			await this.#learn(failure)
			this.#assertOpen()
			const delay = retryDelay(failures)
			this.#left -= clock.now() - start + delay
			if (this.#left <= this.#lockTimeout) throw this.#heldError()
			await pause(delay)
		}
	}

	/** Runs the SQL in one transaction. Resolves with the error if another try may succeed. */
	async #try(text: string): Promise<unknown> {
		const { pool, timeout } = this.#broker
		const limit = Math.min(timeout + this.#lockTimeout, Math.max(1, this.#left))
		this.#tries++
		try {
			await inTransaction(pool, limit, (run) => this.#change(run, limit, text))
			return undefined
		} catch (error) {
			const state = sqlState(error) ?? ''
			if (heldByOthers.test(state) || state === backlogState) return error
			const explained = postgresError(error)
			// That the last try ran out of time says less than why those before it failed.
			throw explained.code === 'timeout' && this.#held ? this.#heldError() : explained
		}
	}

	async #change(run: Run, limit: number, text: string): Promise<void> {
		await run(`set local lock_timeout = ${this.#lockTimeout};
			set local statement_timeout = ${serverLimit(limit)}`)
		await run(`select ${migrationLock(this.#names.channel)}`)
		const [found] = await run(...look(this.#names))
		if (!isUpToDate(found)) await run(text)
	}

	/** Finds out who was in the way, and how long the next try waits. */
	async #learn(cause: unknown): Promise<void> {
		const { pool, timeout } = this.#broker
		const waited = this.#lockTimeout
		const by = await findHolders(this.#names, pool, timeout, waited).catch(() => undefined)
		this.#held = { cause, by }
		// Never twice in a row: a vacuum that does not give way is waited for like others.
		const isPatient = by?.hasVacuum && waited === lockTimeoutMs
		this.#lockTimeout = isPatient ? vacuumLockTimeoutMs : lockTimeoutMs
	}

	#heldError(): SseError {
		const { cause, by } = this.#held!
		const took = Math.round(clock.now() - this.#started)
		const message =
			`The table ${this.#names.channel} could not be brought up to date in ${this.#tries} tries within ${took} ms, ` +
			`because it was in use by ${by?.text ?? 'others'}; ` +
			'wait for the end of that, or end it (`pg_stat_activity` and `pg_locks` show it), and call `migrate()` again.'
		return new SseError('timeout', message, { cause })
	}

	#assertOpen(): void {
		if (this.#broker.closed) throw this.#broker.closedError()
	}
}

type Run = (text: string, values?: unknown[]) => Promise<Record<string, unknown>[]>

async function inTransaction(
	pool: PostgresPool,
	limit: number,
	work: (run: Run) => Promise<void>
): Promise<void> {
	const budget = new Budget(limit)
	const client = await borrow(pool, budget)
	let running = ''
	const run: Run = async (text, values) => {
		running = text
		return (await budget.wait(client.query(text, values), 'PostgreSQL')).rows
	}
	let failure: unknown
	let broken = false
	try {
		// Under a stricter isolation the SQL would not see what another process has made while this one waited.
		await run('begin isolation level read committed')
		await work(run)
		await run('commit')
	} catch (error) {
		failure = error
		broken = isBroken(error) || !(await isRolledBack(client, budget))
		throw error
	} finally {
		client.release(broken)
		if (failure instanceof SseError) cancel(pool, limit, client, running)
	}
}

async function isRolledBack(client: PostgresClient, budget: Budget): Promise<boolean> {
	try {
		await budget.wait(client.query('rollback'), 'PostgreSQL')
		return true
	} catch {
		return false
	}
}

/** A query of the catalog, which takes no lock: the version, and whether all parts are there. */
function look(names: PostgresNames): [text: string, values: unknown[]] {
	const text = `select obj_description(to_regclass($1), 'pg_class') as comment,
		to_regclass($2) is not null
			and not exists (select from unnest($3::text[]) as part (name) where to_regproc(name) is null)
			and exists (select from pg_trigger where tgrelid = to_regclass($1) and tgname = $4) as complete`
	const routines = routineNames.map(names.routine)
	return [text, [names.table, names.state, routines, `${names.bare}_wake`]]
}

/** A later version is left alone, if the functions of this one are there. */
function isUpToDate(found: Record<string, unknown> | undefined): boolean {
	return found?.complete === true && versionOf(found.comment) >= schemaVersion
}
