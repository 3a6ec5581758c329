import { SseError, toError } from '../errors.js'
import { UnsentError, withDeadline } from './deadline.js'
import { scripts } from './redis-scripts.js'

/** What the broker uses of a client that `createClient`, `createCluster` or `createSentinel` of `redis` made. */
export interface RedisClient {
	/** Whether `connect()` was called, and `destroy()` was not. */
	readonly isOpen: boolean
	/** False while the connection is away; where the client does not say, it is tried. */
	readonly isReady?: boolean
	/** Makes a client with the same options, not connected yet. */
	duplicate(): RedisClient
	/** Connects; called on duplicates only. */
	connect(): Promise<unknown>
	/** Ends it at once; called on duplicates only. */
	destroy(): unknown
	/** Listens for errors of a duplicate's connection. */
	on(event: 'error', listener: (error: Error) => void): unknown
	/** Runs a script that is given as text. */
	eval(script: string, options: RedisCall): Promise<unknown>
	/** Runs a script that the server has. */
	evalSha(sha1: string, options: RedisCall): Promise<unknown>
	/** Reads a stream, and waits for what comes. */
	xRead(
		streams: { key: string; id: string }[],
		options: { COUNT: number; BLOCK: number }
	): Promise<unknown>
}

/** What a script works on. */
export interface RedisCall {
	/** The keys that it touches; all of one slot of a cluster. */
	keys: string[]
	/** Whatever else it is told. */
	arguments: string[]
}

// An engine that cannot serve now and will later. Redis 6 wraps what a script met into an ERR of its own.
const notNow = /\b(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|BUSY|UNBLOCKED)\b/
const reply = /^-?[A-Z]+ /

/** The error as the contract wants it: `network` if it may pass, `failed` if Redis refused. */
export function redisError(thrown: unknown): SseError {
	if (thrown instanceof SseError) return thrown
	const error = toError(thrown)
	if (reply.test(error.message) && !notNow.test(error.message)) {
		return new SseError('failed', `Redis refused: ${error.message}`, { cause: error })
	}
	return new SseError('network', `Redis cannot be reached: ${error.message}`, { cause: error })
}

const hashes = new Map<string, Promise<string>>()

/** Runs a script by its hash; sends its text only to a server that does not know it. */
export async function runScript(
	client: RedisClient,
	name: keyof typeof scripts,
	call: RedisCall,
	timeout: number
): Promise<unknown> {
	const script = scripts[name]
	try {
		assertConnected(client)
		const sha1 = await hash(script)
		const known = client.evalSha(sha1, call).catch((error: unknown) => {
			if (!/\bNOSCRIPT\b/.test(toError(error).message)) throw error
			return client.eval(script, call)
		})
		return await withDeadline(known, timeout, 'Redis')
	} catch (error) {
		throw redisError(error)
	}
}

/** A client that is away would keep the command and send it much later, when the caller was told it failed. */
function assertConnected(client: RedisClient): void {
	if (!client.isOpen) {
		const message = 'The Redis client is not connected; call `await client.connect()` first.'
		throw new UnsentError(message)
	}
	if (client.isReady === false) throw new UnsentError('The Redis client is reconnecting.')
}

function hash(script: string): Promise<string> {
	let sha1 = hashes.get(script)
	if (!sha1) {
		sha1 = crypto.subtle.digest('SHA-1', new TextEncoder().encode(script)).then((digest) => {
			const bytes = Array.from(new Uint8Array(digest))
			return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('')
		})
		hashes.set(script, sha1)
	}
	return sha1
}
