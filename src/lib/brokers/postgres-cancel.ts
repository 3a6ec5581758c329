import { Budget } from './deadline.js'
import { borrow, isBroken, type PostgresClient, type PostgresPool } from './postgres-client.js'

interface Abandoned {
	readonly pid: number
	readonly text: string
}

/** Statements that nobody waits for any more, while a client is borrowed to cancel them. */
const abandoned = new WeakMap<PostgresPool, Abandoned[]>()

/**
 * Cancels on the server the statement of a client that did not answer and was thrown away: PostgreSQL does not notice
 * that the client is gone while the statement waits for a lock. Best effort, in the background, with one client for
 * all of them: if the server hangs, this must not make it worse.
 */
export function cancel(
	pool: PostgresPool,
	timeout: number,
	{ processID }: PostgresClient,
	text: string
): void {
	if (!processID) return
	const statement = { pid: processID, text: text.slice(0, comparedLength) }
	const waiting = abandoned.get(pool)
	if (waiting) waiting.push(statement)
	else {
		abandoned.set(pool, [statement])
		void cancelAll(pool, new Budget(timeout)).catch(() => {})
	}
}

/** The server keeps only the beginning of a statement's text. */
const comparedLength = 60

async function cancelAll(pool: PostgresPool, budget: Budget): Promise<void> {
	let client: PostgresClient | undefined
	try {
		client = await borrow(pool, budget)
	} finally {
		const statements = abandoned.get(pool) ?? []
		abandoned.delete(pool)
		if (client) await cancelWith(client, budget, statements)
	}
}

async function cancelWith(
	client: PostgresClient,
	budget: Budget,
	statements: Abandoned[]
): Promise<void> {
	// A pooler makes up process numbers, and the server may use a number again: the text must be the same too.
	const text = `select pg_cancel_backend(pid) from pg_stat_activity
		join unnest($1::int[], $2::text[]) as abandoned (process, statement)
			on pid = process and left(query, ${comparedLength}) = statement
		where state = 'active'`
	let broken = false
	try {
		const values = [statements.map(({ pid }) => pid), statements.map(({ text }) => text)]
		await budget.wait(client.query(text, values), 'PostgreSQL')
	} catch (error) {
		broken = isBroken(error)
	} finally {
		client.release(broken)
	}
}
