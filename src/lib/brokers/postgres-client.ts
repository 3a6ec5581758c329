import { SseError, toError } from '../errors.js'
import { withDeadline } from './deadline.js'

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
	/** Hears of a broken connection. */
	on(event: 'error', listener: (error: Error) => void): unknown
	/** Hears that the connection has ended. */
	on(event: 'end', listener: () => void): unknown
	/** Hears what `notify` sends. */
	on(event: 'notification', listener: (message: { payload?: string }) => void): unknown
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

// Connection exceptions, shutting down, too many clients, conflicts that pass, a primary that has become a standby.
const notNow = /^(08...|57P0.|53300|40001|40P01|55P03|25006)$/
/** Conflicts that are gone when the same is tried again; they only occur under a stricter default isolation. */
const conflict = /^(40001|40P01)$/

/** The error as the contract wants it: `network` if it may pass, `failed` if PostgreSQL refused. */
export function postgresError(thrown: unknown): SseError {
	if (thrown instanceof SseError) return thrown
	const error = toError(thrown)
	const code = sqlState(error)
	if (code === '42P01' || code === '42883') {
		const remedy = 'call `await broker.migrate()` once, or run the SQL that `migration()` returns'
		return new SseError('failed', `The log’s table is not there; ${remedy}: ${error.message}`, {
			cause: error
		})
	}
	if (code && !notNow.test(code)) {
		return new SseError('failed', `PostgreSQL refused: ${error.message}`, { cause: error })
	}
	return new SseError('network', `PostgreSQL cannot be reached: ${error.message}`, { cause: error })
}

/** Five characters that PostgreSQL sends; errors of the socket have longer ones, such as ECONNREFUSED. */
function sqlState(error: Error): string | undefined {
	const { code } = error as { code?: unknown }
	return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined
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
export async function borrow(pool: PostgresPool, timeout: number): Promise<PostgresClient> {
	const connecting = pool.connect().then(guard)
	try {
		return await withDeadline(connecting, timeout, 'The pool', poolRemedy)
	} catch (error) {
		connecting.then(
			(client) => client.release(),
			() => {}
		)
		throw postgresError(error)
	}
}

/**
 * Runs one query on a borrowed client; a client that did not answer is not given to anybody else. `sent` is called
 * before each time that the server is asked.
 */
export async function query(
	pool: PostgresPool,
	timeout: number,
	text: string,
	values: unknown[] = [],
	sent = () => {}
): Promise<Record<string, unknown>[]> {
	for (let attempt = 1; ; attempt++) {
		const client = await borrow(pool, timeout)
		let broken = true
		try {
			sent()
			const { rows } = await withDeadline(client.query(text, values), timeout, 'PostgreSQL')
			broken = false
			return rows
		} catch (thrown) {
			const code = sqlState(toError(thrown))
			broken = !code || code.startsWith('57P') || code.startsWith('08')
			if (!code || !conflict.test(code) || attempt === 5) throw postgresError(thrown)
		} finally {
			client.release(broken)
		}
	}
}
