import { toError } from '../errors.js'
import { GuardedListener, type BrokerBase } from '../hub/broker-base.js'
import type { Cursor, GapReason, LogEntry, Tail, TailListener, TailStart } from '../hub/broker.js'
import { formatCursor, type Position } from '../hub/cursor.js'
import { pause, retryDelay } from './deadline.js'

/**
 * One connection's life: connects, finds the tail's place in the log, hands over what is there and what comes. Rejects
 * when the connection is lost; resolves only when `ended` is aborted. Releases what it opened, either way.
 */
export type Follow = (tail: TailLoop, ended: AbortSignal) => Promise<void>

/** A tail that outlives its connections: what it has handed over, and the loop that connects again. */
export class TailLoop implements Tail {
	/** How far entries were handed over; `undefined` until the place of the start is known. */
	position: Position | undefined
	/** What this process had appended last when the listener was told that the log has lost its end; once is enough. */
	lost: Position | undefined
	readonly #broker: BrokerBase
	readonly #listener: GuardedListener
	readonly #ended = new AbortController()
	/** Resolves when it is closed and has released its connection. */
	readonly finished: Promise<void>
	#live = false
	#failures = 0

	constructor(
		broker: BrokerBase,
		readonly start: TailStart,
		listener: TailListener,
		follow: Follow
	) {
		this.#broker = broker
		this.#listener = new GuardedListener(broker, listener)
		this.finished = this.#run(follow)
	}

	get cursor(): Cursor | undefined {
		return this.position && formatCursor(this.position)
	}

	hand(entries: readonly LogEntry[], last: Position): void {
		this.#listener.entries(entries)
		this.position = last
	}

	/** The log cannot tell what came before `position`. */
	gap(reason: GapReason, position: Position): void {
		this.position = position
		this.#listener.gap({ reason, cursor: formatCursor(position) })
	}

	/** Everything up to `position` was handed over. */
	live(): void {
		this.#failures = 0
		this.#broker.worked(this)
		if (this.#live || !this.cursor) return
		this.#live = true
		this.#listener.live(this.cursor)
	}

	signal(text: string): void {
		this.#listener.signal(text)
	}

	close(): Promise<void> {
		this.#listener.closed = true
		this.#ended.abort()
		this.#broker.forgive(this)
		return this.finished
	}

	async #run(follow: Follow): Promise<void> {
		const { signal } = this.#ended
		// Not inside of `tail()`, which the listener's owner has not returned from.
		await Promise.resolve()
		while (!signal.aborted) {
			try {
				await follow(this, signal)
			} catch (thrown) {
				if (signal.aborted) return
				const error = toError(thrown)
				if (this.#failures++ === 0) this.#broker.report(error, 'tail')
				this.#live = false
				this.#broker.failed(error, this)
			}
			await pause(retryDelay(this.#failures), signal)
		}
	}
}
