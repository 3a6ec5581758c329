import { SseError } from '../errors.js'
import { Budget, pause, retryDelay } from './deadline.js'
import { cancel } from './postgres-cancel.js'
import {
	borrow,
	conflictRemedy,
	isBroken,
	isConflict,
	postgresError,
	type PostgresPool
} from './postgres-client.js'

/**
 * Runs one query and settles within the limit: so many milliseconds, or what is left of a budget. Conflicts between
 * transactions are tried again. `sent` is called before each time that the server is asked.
 */
export async function query(
	pool: PostgresPool,
	limit: number | Budget,
	text: string,
	values: unknown[] = [],
	sent = () => {}
): Promise<Record<string, unknown>[]> {
	const budget = typeof limit === 'number' ? new Budget(limit) : limit
	let conflict: SseError | undefined
	for (let failures = 0; ; failures++) {
		// The answer would come too late, but what is asked for might be done.
		if (budget.left <= 0) throw conflict ? endless(conflict, budget) : budget.late('PostgreSQL')
		try {
			return await ask(pool, budget, text, values, sent)
		} catch (thrown) {
			const error = postgresError(thrown)
			if (!isConflict(thrown)) throw conflict ? behind(conflict, error) : error
			conflict = error
		}
		const delay = failures === 0 ? 0 : retryDelay(Math.min(failures, 2))
		await pause(Math.min(delay, budget.left))
	}
}

/** The error of a query that was tried again because of a conflict. */
function behind(conflict: SseError, { code, message }: SseError): SseError {
	return new SseError(code, `${message} (A try before that met a conflict.)`, { cause: conflict })
}

function endless(conflict: SseError, { ms }: Budget): SseError {
	const message = `PostgreSQL met conflicts with other transactions until ${ms} ms were over; ${conflictRemedy}.`
	return new SseError('timeout', message, { cause: conflict })
}

/**
 * Runs one query on a borrowed client. A client that does not answer is given to nobody else, and its statement is
 * cancelled.
 */
async function ask(
	pool: PostgresPool,
	budget: Budget,
	text: string,
	values: unknown[],
	sent: () => void
): Promise<Record<string, unknown>[]> {
	const client = await borrow(pool, budget)
	let broken = false
	let isUnanswered = false
	try {
		sent()
		const { rows } = await budget.wait(client.query(text, values), 'PostgreSQL')
		return rows
	} catch (error) {
		broken = isBroken(error)
		isUnanswered = error instanceof SseError
		throw error
	} finally {
		client.release(broken)
		if (isUnanswered) cancel(pool, budget.ms, client, text)
	}
}
