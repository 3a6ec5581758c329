import { SseError } from '../errors.js'
import { Budget, pause, retryDelay } from './deadline.js'
import {
	borrow,
	cancel,
	isBroken,
	postgresError,
	query,
	serverLimit,
	sqlState,
	type PostgresPool
} from './postgres-client.js'
import {
	migration,
	migrationLock,
	namesOf,
	routineNames,
	schemaVersion,
	versionOf
} from './postgres-migration.js'

/** Everybody who publishes waits behind a migration that waits for its lock; this is the longest such wait. */
const lockTimeoutMs = 200
/** Somebody else holds a lock that the migration needs, or a migration in another process was faster. */
const heldByOthers = /^(55P03|40P01|40001)$/
const never = new AbortController().signal

/** What the migration needs of the broker. */
interface Migrating {
	readonly pool: PostgresPool
	readonly timeout: number
	readonly closed: boolean
	closedError(): SseError
}

/** Brings the table up to date. Never waits long for others' transactions, and never makes them wait long. */
export async function migrate(broker: Migrating, table: string): Promise<void> {
	const { pool, timeout } = broker
	const limit = 2 * timeout
	const budget = new Budget(limit)
	let held: unknown
	for (let failures = 0; ; failures++) {
		try {
			const [found] = await query(pool, Math.min(timeout, budget.left), ...look(table))
			if (isUpToDate(found)) return
			held = await upgrade(pool, timeout, budget, table)
		} catch (error) {
			const isLate = error instanceof SseError && error.code === 'timeout'
			// That the last try ran out of time says less than why those before it failed.
			throw isLate && held !== undefined ? heldError(table, limit, held) : error
		}
		if (held === undefined) return
		if (broker.closed) throw broker.closedError()
		const delay = retryDelay(failures)
		if (delay + lockTimeoutMs >= budget.left) throw heldError(table, limit, held)
		await pause(delay, never)
	}
}

function heldError(table: string, limit: number, cause: unknown): SseError {
	const message =
		`An open transaction held the table ${table} at each try in ${limit} ms, so that it could not be brought up to date; ` +
		'end that transaction (`pg_stat_activity` and `pg_locks` show it) and call `migrate()` again.'
	return new SseError('timeout', message, { cause })
}

/** Runs the SQL in one transaction. Resolves with the error if others hold a lock that it needs. */
async function upgrade(
	pool: PostgresPool,
	timeout: number,
	budget: Budget,
	table: string
): Promise<unknown> {
	const client = await borrow(pool, budget)
	const steps = new Budget(Math.min(timeout, budget.left))
	let running = ''
	const run: Run = async (text, values) => {
		running = text
		return (await steps.wait(client.query(text, values), 'PostgreSQL')).rows
	}
	let failure: unknown
	try {
		await runMigration(run, timeout, table)
	} catch (error) {
		failure = error
	}
	const broken = failure !== undefined && (isBroken(failure) || !(await isRolledBack(run)))
	client.release(broken)
	if (failure instanceof SseError) cancel(pool, timeout, client, running)
	if (failure === undefined || heldByOthers.test(sqlState(failure) ?? '')) return failure
	throw postgresError(failure)
}

type Run = (text: string, values?: unknown[]) => Promise<Record<string, unknown>[]>

async function runMigration(run: Run, timeout: number, table: string): Promise<void> {
	// Under a stricter isolation the SQL would not see what another process has made while this one waited.
	await run('begin isolation level read committed')
	await run(`set local lock_timeout = ${lockTimeoutMs};
		set local statement_timeout = ${serverLimit(timeout)}`)
	await run(`select ${migrationLock(table)}`)
	const [found] = await run(...look(table))
	if (!isUpToDate(found)) await run(migration({ table }))
	await run('commit')
}

async function isRolledBack(run: Run): Promise<boolean> {
	try {
		await run('rollback')
		return true
	} catch {
		return false
	}
}

/** A query of the catalog, which takes no lock: the version, and whether all parts are there. */
function look(table: string): [text: string, values: unknown[]] {
	const names = namesOf(table)
	const text = `select obj_description(to_regclass($1), 'pg_class') as comment,
		to_regclass($2) is not null
			and not exists (select from unnest($3::text[]) as part (name) where to_regproc(name) is null)
			and exists (select from pg_trigger where tgrelid = to_regclass($1) and tgname = $4) as complete`
	const routines = routineNames.map(names.routine)
	return [text, [names.table, names.state, routines, `${names.bare}_wake`]]
}

/** A later version is left alone: during a deploy, processes of both versions use the same functions. */
function isUpToDate(found: Record<string, unknown> | undefined): boolean {
	return found?.complete === true && versionOf(found.comment) >= schemaVersion
}
