import { DEV } from 'esm-env'
import { SseChannel } from './channel.svelte.js'
import type { Feed } from './channel/feed.js'
import { plain } from './channel/operators.js'
import type { Name, Out, Untyped } from './contract/types.js'
import { SseError } from './errors.js'
import type { Status } from './link/types.js'
import { checkEventName } from './parts/check.js'
import { WeakCache } from './parts/weak-cache.js'
import { holdOnceShown } from './reactive.svelte.js'
import type { ConnectionConfig } from './source/config.js'
import { Seat } from './source/seat.js'
import { Standing } from './source/standing.js'
import { Start } from './source/start.js'

/** The type of a channel: text without a contract (empty before the first event), else the type of the event. */
export type ChannelOf<S, K extends Name<S>> = string extends keyof S
	? SseChannel<string, string>
	: SseChannel<Out<S, K>, Out<S, K> | undefined>

/**
 * A handle on a stream, made by `source()`: its channels, and the state of the connection, as reactive state.
 *
 * The connection opens when the first channel is read, and closes when the last reader has left, after a short `linger`.
 * `connect()` holds it without a reader, `close()` closes it for this handle. `select`, `connect` and `close` work by
 * themselves too: `const { select, close } = source(url)`. Handles with equal requests share one physical connection and do
 * not notice one another.
 *
 * @example
 * ```svelte
 * <script>
 * 	import { source } from 'sveltekit-sse'
 * 	const connection = source('/orders')
 * 	const order = connection.select('order')
 * </script>
 *
 * {order.current}
 * {#if connection.status === 'reconnecting'}connection lost, one moment…{/if}
 * ```
 */
export class SseConnection<S = Untyped> implements Disposable {
	readonly #events: ConnectionConfig['events']
	readonly #start: Start
	readonly #standing: Standing
	readonly #seat: Seat
	readonly #channels = new WeakCache<SseChannel<unknown, unknown>>()

	/** @internal Use {@link source}. */
	constructor(config: ConnectionConfig) {
		this.#events = config.events
		this.#start = new Start(config)
		this.#standing = new Standing(config.signal)
		this.#seat = new Seat(config, this.#start, this.#standing)
	}

	/**
	 * The state of the connection. Reading it does not open the connection.
	 *
	 * `idle` nobody reads it, or its URL is not known yet · `connecting` the first attempt is under way · `open` ·
	 * `reconnecting` from the first loss, or a first attempt that failed, until the stream is open again · `closed` until a new
	 * reader comes or `connect()` is called
	 */
	get status(): Status {
		return this.#standing.status
	}

	/** Why the connection was lost or could not be made; undefined once it is open. */
	get error(): SseError | undefined {
		return this.#standing.error
	}

	/** Losses in a row, failed attempts included; 0 while the stream is open. */
	get attempt(): number {
		return this.#standing.attempt
	}

	/** The time of the next attempt; undefined during an attempt, and while none is planned. */
	get retryAt(): Date | undefined {
		return this.#standing.retryAt
	}

	/** The id that the next attempt resumes after: that of the last event, or the option `lastEventId`. */
	get lastEventId(): string | undefined {
		return this.#standing.lastEventId.value
	}

	/** When the last event came; undefined before the first. */
	get lastEventAt(): Date | undefined {
		const at = this.#standing.lastEventAt.value
		return at === undefined ? undefined : new Date(at)
	}

	/**
	 * The channel of one event name; the same name gives the same channel.
	 *
	 * @param name `'message'` also has the events without a name; `''` has only those.
	 * @throws {SseError} `invalid-argument` for a name that is not in the contract, and (in development) for one that cannot arrive.
	 */
	readonly select = <K extends keyof S & string>(name: K): ChannelOf<S, K> => {
		const channel = this.#channels.get(name, () => {
			this.#checkName(name)
			const feed: Feed = {
				session: this.#seat,
				open: (receiver, isQuiet) => this.#seat.feed(name, receiver, isQuiet),
				last: (again) => this.#seat.last(name, again)
			}
			return new SseChannel<unknown, unknown>(
				feed,
				plain((url) => this.#start.value(name, url))
			)
		})
		return channel as unknown as ChannelOf<S, K>
	}

	/**
	 * Opens the connection and holds it, with or without a reader. While the connection waits for its next attempt, it tries now,
	 * unless the last loss was less than `min` ago or a `Retry-After` is in force.
	 *
	 * @returns the release, which ends this hold and no other. `close()` ends all holds.
	 *
	 * @example
	 * ```ts
	 * const connection = source('/orders')
	 * $effect(() => connection.connect())
	 * ```
	 */
	readonly connect = (): (() => void) => {
		const isClosed = this.#seat.closings(false)
		const begin = () => (isClosed() ? () => {} : this.#seat.connect())
		return holdOnceShown(begin, this.#seat.follow)
	}

	/**
	 * Closes the connection at once, for all who read this handle; other handles stay open. A reader that comes later, or
	 * `connect()`, opens it again.
	 */
	readonly close = (): void => this.#seat.close()

	#checkName(name: unknown): void {
		const events = this.#events
		if (DEV && (name !== '' || events)) checkEventName(name)
		if (events?.has(name as string) === false)
			throw new SseError(
				'invalid-argument',
				DEV
					? `The contract has no event '${name}'; add it to defineEvents(), or correct the name.`
					: `${name}`
			)
	}

	/** As `close()`, for `using`. */
	[Symbol.dispose](): void {
		this.close()
	}
}
