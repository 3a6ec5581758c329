import type { PostgresPool } from './postgres-client.js'
import type { PostgresNames } from './postgres-names.js'
import { query } from './postgres-query.js'

/** Who holds locks that a migration has waited for. */
export interface Holders {
	/** A vacuum is among them, or another command of its kind. PostgreSQL may end it for a waiter that is patient. */
	readonly hasVacuum: boolean
	/** Says what they are, with their processes. */
	readonly text: string
}

/**
 * Finds the sessions that hold locks on the log, and have done so for at least `ms`. Any role may read `pg_locks`, but
 * not when others' transactions began; where that is hidden, all are found.
 */
export async function findHolders(
	{ table, state, channel }: PostgresNames,
	pool: PostgresPool,
	timeout: number,
	ms: number
): Promise<Holders> {
	// Of an advisory lock with two keys, these are the columns that hold the keys, as numbers without a sign.
	const text = `select pid, locktype = 'advisory' as migrates,
			bool_or(mode = 'ShareUpdateExclusiveLock') as vacuums
		from pg_locks left join pg_stat_activity using (pid)
		where granted and pid is distinct from pg_backend_pid()
			and database = (select oid from pg_database where datname = current_database())
			and (
				(locktype = 'relation' and relation in (to_regclass($1), to_regclass($2)))
				or (locktype = 'advisory' and objsubid = 2
					and classid = (hashtext('sveltekit-sse')::bigint & 4294967295)::oid
					and objid = (hashtext($3)::bigint & 4294967295)::oid)
			)
			and coalesce(xact_start < clock_timestamp() - $4 * interval '1 ms', true)
		group by 1, 2 order by 3 desc, min(xact_start), 1 limit 5`
	const rows = await query(pool, timeout, text, [table, state, channel, ms])
	const list = rows.map(describe)
	return {
		hasVacuum: rows.some(({ vacuums }) => vacuums === true),
		text: list.length > 0 ? list.join(', ') : 'another transaction'
	}
}

function describe({ pid, migrates, vacuums }: Record<string, unknown>): string {
	const process = pid === null ? 'prepared, see `pg_prepared_xacts`' : `process ${String(pid)}`
	if (migrates === true) return `another migration (${process})`
	if (vacuums === true) return `a vacuum, \`analyze\` or \`create index concurrently\` (${process})`
	return `an open transaction (${process})`
}
