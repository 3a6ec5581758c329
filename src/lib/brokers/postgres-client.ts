import { longestDelay } from '../clock.js'
import { SseError, toError } from '../errors.js'
import { Budget, pause, retryDelay } from './deadline.js'

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

// Connection exceptions, shutting down, too many clients, conflicts that pass, a primary that has become a standby.
const notNow = /^(08...|57P0.|53300|40001|40P01|25006)$/
/** A `lock_timeout` or a `statement_timeout` has ended the statement. */
const endedByLimit = /^(55P03|57014)$/
/** Conflicts that are gone when the same is tried again; they only occur under a stricter default isolation. */
function isConflict(thrown: unknown): boolean {
	return /^(40001|40P01)$/.test(sqlState(thrown) ?? '')
}

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

/**
 * Runs one query and settles within the limit, all steps together: milliseconds, or what is left of a budget. Conflicts
 * between transactions are tried again. `sent` is called before each time that the server is asked.
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
		try {
			return await ask(pool, budget, text, values, sent)
		} catch (thrown) {
			const isLate = thrown instanceof SseError && thrown.code === 'timeout'
			// It tells more than that the time is up.
			if (isLate && conflict) throw conflict
			if (!isConflict(thrown)) throw postgresError(thrown)
			conflict = postgresError(thrown)
		}
		const delay = failures === 0 ? 0 : retryDelay(Math.min(failures, 2))
		if (delay >= budget.left) throw conflict
		await pause(delay)
	}
}

/**
 * Runs one query on a borrowed client. If that does not answer, it is not given to anybody else, and its statement is
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
	let failure: unknown
	try {
		sent()
		const { rows } = await budget.wait(client.query(text, values), 'PostgreSQL')
		return rows
	} catch (error) {
		failure = error
		throw error
	} finally {
		client.release(failure !== undefined && isBroken(failure))
		if (failure instanceof SseError) cancel(pool, budget.ms, client, text)
	}
}

/** Whether a client that failed like this can run nothing more. */
export function isBroken(error: unknown): boolean {
	const code = sqlState(error)
	return !code || code.startsWith('57P') || code.startsWith('08')
}

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
