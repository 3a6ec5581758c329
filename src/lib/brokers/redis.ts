/**
 * A hub's log in Redis.
 *
 * @module sveltekit-sse/redis
 */

import { SseError } from '../errors.js'
import type { Broker, BrokerHistory, BrokerOptions, Cursor, Entry, Page } from '../hub/broker.js'
import { sharedBounds } from '../hub/bounds.js'
import { createEpoch, findGap, formatCursor, type Position } from '../hub/cursor.js'
import { invalid } from '../parts/check.js'
import type { Batch, Prepared } from './append-queue.js'
import { EngineBroker, weigh } from './engine-broker.js'
import { redisError, runScript, type RedisClient } from './redis-client.js'
import { logEntry, parseId, scriptEntries, type StreamEntry } from './redis-entries.js'
import type { scripts } from './redis-scripts.js'
import { followRedis } from './redis-tail.js'
import type { TailLoop } from './tail-loop.js'

export type { RedisCall, RedisClient } from './redis-client.js'

/** Where the log lies in Redis, and how much of it is kept. */
export interface RedisOptions extends BrokerOptions {
	/**
	 * What the keys of this log begin with, in braces, so that a cluster keeps them on one node: `{sse}:log` and four
	 * more. 1 to 100 letters, digits and `_ . : -`. Hubs with the same key share a log.
	 *
	 * @default 'sse'
	 */
	key?: string | undefined
	/** How much of the past Redis keeps. The process that appends trims. */
	history?: BrokerHistory | undefined
	/**
	 * How long to wait for an answer, in milliseconds.
	 *
	 * @default 5_000
	 */
	timeout?: number | undefined
}

/**
 * A log in Redis 6.2 or newer, or Valkey: one stream, trimmed as it grows.
 *
 * Order: that of the server, the same for everyone. Durability: that of your Redis (`appendonly`, replicas); if a
 * failover lost entries that somebody had seen, that is noticed and told as a gap. Each tail opens one more connection
 * (`client.duplicate()`); the client itself stays yours, connect it before and close it after. Give it an `error`
 * listener, as node-redis demands.
 *
 * @example
 * ```ts
 * import { createClient } from 'redis'
 * import { Hub } from 'sveltekit-sse/hub'
 * import { redis } from 'sveltekit-sse/redis'
 *
 * const client = createClient({ url: 'redis://localhost' })
 * client.on('error', console.error)
 * await client.connect()
 *
 * export const hub = new Hub({ broker: redis(client, { key: 'shop' }) })
 * ```
 */
export function redis(client: RedisClient, options: RedisOptions = {}): Broker {
	return new RedisBroker(client, options)
}

/** @internal What the `read` script tells of the log. */
export interface RedisState {
	readonly epoch: string
	readonly last: { readonly sequence: number; readonly mark: number }
	/** Position of the oldest entry. */
	readonly oldest: Position | undefined
	readonly first: number | undefined
	readonly found: boolean
	/** What this process had appended last before it asked. */
	readonly appended: Position | undefined
	/** Id of the last signal. */
	readonly signal: string
	readonly entries: StreamEntry[]
}

/** @internal An entry as the arguments of the script that appends. */
interface RedisEntry extends Prepared {
	readonly fields: readonly string[]
}

/** @internal Made by `redis()`. */
export class RedisBroker extends EngineBroker<RedisEntry> {
	readonly client: RedisClient
	readonly keys: {
		log: string
		state: string
		batches: string
		signals: string
		publishers: string
	}
	/** The last entry that this process has appended. If the log does not hold it any more, it was rolled back. */
	appended: Position | undefined
	readonly #bounds: Required<BrokerHistory>
	readonly #publisher = createEpoch()

	constructor(client: RedisClient, { key = 'sse', timeout = 5_000, ...options }: RedisOptions) {
		super({ ...options, name: 'redis', engine: 'Redis', timeout })
		if (!/^[\w.:-]{1,100}$/.test(key)) {
			throw invalid('`key`', '1 to 100 letters, digits and _ . : -', key)
		}
		if (typeof client?.duplicate !== 'function' || typeof client.evalSha !== 'function') {
			const makers = 'createClient, createCluster, createSentinel'
			throw invalid(
				'The argument of redis()',
				`a client of the package \`redis\` (${makers})`,
				client
			)
		}
		this.client = client
		this.#bounds = sharedBounds(options.history)
		const name = (kind: string) => `{${key}}:${kind}`
		this.keys = {
			log: name('log'),
			state: name('state'),
			batches: name('batches'),
			signals: name('signals'),
			publishers: name('seen')
		}
	}

	/** Asks for the log's state and, behind a position, for entries. */
	async state(client: RedisClient, position?: Position, limit = 0): Promise<RedisState> {
		const { sequence = 0, mark = 0 } = position ?? {}
		const { appended } = this
		const reply = await this.run(client, 'read', [sequence, mark, limit].map(String))
		const [epoch, last, time, oldest, found, signal, entries] = reply as unknown[]
		const first = oldest ? parseId(String(oldest), String(epoch)) : undefined
		return {
			epoch: String(epoch),
			last: { sequence: Number(last), mark: Number(time) },
			oldest: first,
			first: first?.sequence,
			found: found === 1,
			appended,
			signal: String(signal),
			entries: scriptEntries(entries)
		}
	}

	run(client: RedisClient, script: keyof typeof scripts, args: string[]): Promise<unknown> {
		const call = { keys: Object.values(this.keys), arguments: [createEpoch(), ...args] }
		return runScript(client, script, call, this.timeout)
	}

	protected override prepare(entry: Entry): RedisEntry {
		const { topic, name, data, except, control } = entry
		const flags = `${control ? 'c' : ''}${except === undefined ? '' : 'x'}`
		return { bytes: weigh(entry), fields: [topic, name, data, except ?? '', flags] }
	}

	protected override async write({ number, entries }: Batch<RedisEntry>): Promise<Cursor[]> {
		const { events, age } = this.#bounds
		const bound = (value: number) => (Number.isFinite(value) ? String(value) : '')
		const args = [this.#publisher, String(number), bound(events), bound(age)]
		for (const { fields } of entries) args.push(...fields)
		const [epoch, first, time] = (await this.run(this.client, 'append', args)) as unknown[]
		if (!epoch) throw new SseError('failed', 'This batch was overtaken by a later one.')
		const cursors = entries.map((_, index) => {
			return { epoch: String(epoch), sequence: Number(first) + index, mark: Number(time) }
		})
		this.appended = cursors.at(-1)
		return cursors.map(formatCursor)
	}

	protected override explain(thrown: unknown): SseError {
		return redisError(thrown)
	}

	protected override follow(tail: TailLoop, ended: AbortSignal): Promise<void> {
		return followRedis(this, tail, ended)
	}

	protected override async readAfter(position: Position, limit: number): Promise<Page> {
		const state = await this.state(this.client, position, limit)
		const gap = findGap(position, state, state.found)
		if (gap) return { entries: [], gap, more: false }
		const entries = state.entries.map(logEntry)
		return { entries, more: position.sequence + entries.length < state.last.sequence }
	}

	protected override async findHead(): Promise<Cursor> {
		const { epoch, last } = await this.state(this.client)
		return formatCursor({ epoch, ...last })
	}

	protected override sendSignal(text: string): Promise<unknown> {
		return this.run(this.client, 'signal', [text])
	}
}
