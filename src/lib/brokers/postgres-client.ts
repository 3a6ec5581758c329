import { longestDelay } from '../clock.js'
import { SseError, toError } from '../errors.js'
import type { Budget } from './deadline.js'

/** What the broker uses of a pool of the package `pg`. */
export interface PostgresPool {
	/** Borrows a client. */
	connect(): Promise<PostgresClient>
	/** Listens for errors of clients that idle in the pool. */
	on(event: 'error', listener: (error: Error) => void): unknown
	/** Ends that. */
	removeListener(event: 'error', listener: (error: Error) => void): unknown
}

/** What the broker uses of a client of the package `pg`; the user's own one in a transaction too. */
export interface PostgresClient extends PostgresQueryable {
	/** The process of the server that runs this client's statements, as the server or a pooler told it. */
	readonly processID?: number | null
	/** Hears of a broken connection. */
	on(event: 'error', listener: (error: Error) => void): unknown
	/** Hears that the connection has ended. */
	on(event: 'end', listener: () => void): unknown
	/** Hears what `notify` sends. */
	on(event: 'notification', listener: (message: { payload?: string | undefined }) => void): unknown
	/** Ends that, before the client goes back to the pool. */
	removeAllListeners(event: 'notification'): unknown
	/** Gives it back to the pool, or has the pool throw it away. */
	release(destroy?: boolean): void
}

/** What runs queries. */
export interface PostgresQueryable {
	/** Runs one; the values stand for `$1`, `$2` and so on. */
	query(
		text: string,
		values?: unknown[]
	): Promise<{
		/** What it found: columns by their names. */
		rows: Record<string, unknown>[]
	}>
}

// Connection exceptions, shutting down, too many clients, a primary that has become a standby.
const notNow = /^(08...|57P0.|53300|25006)$/
/** A `lock_timeout` or a `statement_timeout` has ended the statement. */
const endedByLimit = /^(55P03|57014)$/

/** Whether a statement met a conflict between transactions (of isolation, or a deadlock), and may succeed if tried again. */
export function isConflict(thrown: unknown): boolean {
	return /^(40001|40P01)$/.test(sqlState(thrown) ?? '')
}

export const conflictRemedy = 'try again, with the whole transaction if it is your own'

/** The error as the contract wants it: `network` or `timeout` if it may pass, `failed` if PostgreSQL refused. */
export function postgresError(thrown: unknown): SseError {
	if (thrown instanceof SseError) return thrown
	const error = toError(thrown)
	const code = sqlState(error)
	if (code === '42P01' || code === '42883') {
		const remedy = 'call `await broker.migrate()` once, or run the SQL that `migration()` returns'
		return new SseError(
			'failed',
			`The log’s table is not there, or not of this version; ${remedy}: ${error.message}`,
			{
				cause: error
			}
		)
	}
	if (isConflict(error)) {
		const message = `PostgreSQL met a conflict with another transaction; ${conflictRemedy}: ${error.message}`
		return new SseError('network', message, { cause: error })
	}
	if (code && endedByLimit.test(code)) {
		const remedy = 'see in `pg_stat_activity` and `pg_locks` which transaction it waited for'
		return new SseError('timeout', `PostgreSQL gave up waiting; ${remedy}: ${error.message}`, {
			cause: error
		})
	}
	if (code && !notNow.test(code)) {
		return new SseError('failed', `PostgreSQL refused: ${error.message}`, { cause: error })
	}
	return new SseError('network', `PostgreSQL cannot be reached: ${error.message}`, { cause: error })
}

/** Five characters that PostgreSQL sends; errors of the socket have longer ones, such as ECONNREFUSED. */
export function sqlState(thrown: unknown): string | undefined {
	const { code } = toError(thrown) as { code?: unknown }
	return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined
}

/** Milliseconds as `statement_timeout` takes them; there, 0 would be no limit. */
export function serverLimit(ms: number): string {
	return String(Math.max(1, Math.min(longestDelay, Math.ceil(ms))))
}

const guarded = new WeakSet<object>()

/**
 * A client that is out of the pool, or that the pool has thrown away, has no listener of the pool's, and one without
 * any ends the process when its connection breaks. This one stays: there is no moment at which it can be taken away.
 */
function guard(client: PostgresClient): PostgresClient {
	if (!guarded.has(client)) client.on('error', () => {})
	guarded.add(client)
	return client
}

const poolRemedy =
	'see whether PostgreSQL is reachable, and whether the pool’s `max` is more than the clients that tails keep'

/** Borrows a client. One that comes too late goes back to the pool at once. */
export async function borrow(pool: PostgresPool, budget: Budget): Promise<PostgresClient> {
	const connecting = pool.connect().then(guard)
	try {
		return await budget.wait(connecting, 'The pool', poolRemedy)
	} catch (error) {
		connecting.then(
			(client) => client.release(),
			() => {}
		)
		throw postgresError(error)
	}
}

/** Whether a client that failed like this can run nothing more. */
export function isBroken(error: unknown): boolean {
	const code = sqlState(error)
	return !code || code.startsWith('57P') || code.startsWith('08')
}
