import { SseError } from '../errors.js'
import type { Budget } from './deadline.js'
import type { PostgresPool } from './postgres-client.js'
import { portionRows } from './postgres-functions.js'
import type { PostgresNames } from './postgres-names.js'
import { query } from './postgres-query.js'

/** Runs one query; the rows are objects. */
export type RunQuery = (text: string, values?: unknown[]) => Promise<object[]>

/** Numbers a portion of the rows that are pending. Resolves with whether more may be left. */
export async function numberPortion(names: PostgresNames, run: RunQuery): Promise<boolean> {
	const [row] = await run(`select ${names.routine('number')}() as numbered`)
	return Number((row as { numbered?: unknown } | undefined)?.numbered) >= portionRows
}

/**
 * Numbers all rows that are pending. If the budget ends before, rejects with `timeout`; the portions that are numbered
 * by then stay numbered, so that the next call goes on from there.
 */
export async function numberAll(
	names: PostgresNames,
	pool: PostgresPool,
	budget: Budget
): Promise<void> {
	while (await numberPortion(names, (...args) => query(pool, budget, ...args))) {
		if (budget.left > 0) continue
		const message =
			`More rows of ${names.table} are pending than could be numbered within ${budget.ms} ms; ` +
			'the next call goes on from there.'
		throw new SseError('timeout', message)
	}
}
