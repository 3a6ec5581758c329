/**
 * The contract between a hub and whatever carries its events from one process to the others.
 *
 * A broker is **an ordered log with a cursor**. `append` puts entries at its end, every process follows it with `tail`,
 * and a cursor says how far somebody has come. Nothing else is asked of it: topics, history, replay to clients and
 * presence are built by the hub on top.
 *
 * ## Who owns what
 *
 * | thing | owner | ends by |
 * | --- | --- | --- |
 * | the client object (`redis`, `pg`, NATS) | the user | the user; a broker MUST NOT close it |
 * | connections that the broker opened beside it | the broker | `Tail.close()`, `Broker.close()` |
 * | the log and its trimming | the engine; the broker sets the bounds | – |
 * | a tail's position | the tail | moves only after the listener has been called |
 * | what a client may read | the hub; a broker knows no clients | – |
 *
 * ## States
 *
 *     broker   connecting ──▶ up ◀──▶ down        any ──▶ closed
 *     tail     starting ──▶ catching up ──▶ live ──▶ away ──▶ catching up …        any ──▶ closed
 *                              │  a hole is found: gap(…) once, then goes on behind it
 *
 * ## Words
 *
 * MUST, MUST NOT, SHOULD and MAY are meant as in RFC 2119. Each sentence that has one of them is checked by the
 * conformance suite (`sveltekit-sse/testing`), except where it says that it cannot be.
 *
 * @module
 */

/**
 * A place in the log, between two entries: "everything up to and including this entry has been seen".
 *
 * Opaque to users; brokers make and read it with `formatCursor` and `parseCursor`. It MUST be of that grammar: ASCII,
 * at most 50 characters, safe in an SSE `id:`, in a header and in a URL. It carries the epoch of its log, so that a
 * log that lost its past is noticed.
 */
export type Cursor = string

/** What is appended. */
export interface Entry {
	/** Who it is for: any string of 1 to 512 characters. */
	readonly topic: string
	/**
	 * The event's name. Of an entry that others have put into the log and that cannot be read it is empty: the hub tells
	 * the readers of the topic of a gap.
	 */
	readonly name: string
	/** The payload, already encoded. A broker MUST hand over the same characters, NUL and line ends included. */
	readonly data: string
	/** The publisher's tag; the hub leaves out the connection that carries the same one. */
	readonly except?: string
	/** True for a message of the hubs among themselves (such as a disconnect). Clients never see it. */
	readonly control?: boolean
}

/** An entry that stands in the log. */
export interface LogEntry extends Entry {
	/** The place right behind it. */
	readonly cursor: Cursor
	/** When it was appended, in milliseconds since 1970, by the engine's clock. Never used for order. */
	readonly at: number
}

/**
 * Why what stands behind a cursor cannot be told whole.
 *
 * `trimmed`: entries after the cursor are no longer kept. `epoch`: the log was lost and began anew. `unknown`: the
 * cursor is malformed or points at something that this log never held, or lost in a failover.
 */
export type GapReason = 'trimmed' | 'epoch' | 'unknown'

/** A hole in what a tail has seen. */
export interface Gap {
	/** Why it is there. */
	readonly reason: GapReason
	/** Where the tail goes on: every entry after this cursor is handed over. */
	readonly cursor: Cursor
}

/**
 * Where a tail begins: at the end of the log as it is when the broker is first reached; behind a cursor; or with the
 * last `last` entries (fewer if there are fewer), followed by everything newer.
 */
export type TailStart =
	| 'now'
	| {
			/** Begins behind this cursor. */
			readonly after: Cursor
	  }
	| {
			/** Begins with so many of the newest entries. */
			readonly last: number
	  }

/**
 * What a tail calls.
 *
 * - Calls MUST be one at a time, and MUST NOT be made from inside `tail()` or `append()`.
 * - After `Tail.close()` was called there MUST be no further call.
 * - A listener that throws MUST NOT stop the tail, nor another tail; the error goes to `onError`, stage `listener`.
 */
export interface TailListener {
	/**
	 * Entries in log order. Between two gaps, every entry of the log MUST be handed over exactly once, whatever
	 * happens to the connection. All tails MUST see the same order.
	 */
	entries(entries: readonly LogEntry[]): void
	/**
	 * A hole: entries may have been missed. A hole MUST be told, exactly once, before any entry behind it. Of a
	 * `trimmed` log the oldest entries that are left follow; of a new `epoch` all of its entries; after `unknown` the
	 * tail goes on at the end of the log.
	 */
	gap(gap: Gap): void
	/**
	 * The tail has handed over everything up to `cursor`, which was the end of the log when it looked. MUST be called
	 * once after the start, and once after each return from an outage.
	 */
	live(cursor: Cursor): void
	/** A message sent with `signal`, by any process. */
	signal?(text: string): void
}

/** Somebody who follows the log. */
export interface Tail {
	/** How far the listener has been called; `undefined` until the broker has been reached. */
	readonly cursor: Cursor | undefined
	/** Stops. Calling it again does nothing. Resolves when the connection that it used is released. */
	close(): Promise<void>
}

/** How long to try, and inside which transaction. */
export interface AppendOptions {
	/**
	 * How long to keep trying while the broker is away, in milliseconds. If 0, an append that meets an absent broker
	 * is rejected as soon as that is known. A retried append MUST NOT be stored twice, however long the outage was and
	 * whatever others appended meanwhile.
	 *
	 * @default 0
	 */
	wait?: number | undefined
	/**
	 * The user's own database client, inside its transaction: the entries are appended if that transaction commits,
	 * and never seen if it does not. The cursors are not known before, so the result is an empty array. A broker
	 * without transactions MUST reject with `invalid-argument`.
	 */
	client?: unknown
}

/** How much to read at once. */
export interface ReadOptions {
	/** The most entries to return; at least 1. */
	limit: number
}

/** A piece of the log. */
export interface Page {
	/** The entries right behind the cursor, in log order, at most `limit`. Empty if there is a gap. */
	readonly entries: readonly LogEntry[]
	/** Set if what stands behind the cursor cannot be told whole. */
	readonly gap?: GapReason
	/** False if the last of `entries` was the last one in the log. MAY be true when nothing follows. */
	readonly more: boolean
}

/** Where a broker stands, for a health check. */
export interface BrokerHealth {
	/**
	 * `connecting`: nothing is known yet. `up`: the last thing that was tried worked. `down`: it did not, and the
	 * broker keeps trying where it has a tail.
	 */
	readonly status: 'connecting' | 'up' | 'down' | 'closed'
	/** What brought it down. */
	readonly error?: Error
	/** When it came to stand there. */
	readonly since: Date
}

/** Which part of a broker an error comes from. */
export type BrokerStage = 'append' | 'tail' | 'read' | 'signal' | 'trim' | 'listener' | 'close'

/** Options that every broker's factory takes. */
export interface BrokerOptions {
	/**
	 * Called with errors that no caller is there to receive: a lost tail (once per outage), a failed trim, a listener
	 * that threw. Errors of `append`, `read`, `head` and `signal` reject those calls instead.
	 *
	 * @default writes to `console.error`
	 */
	onError?: ((error: Error, context: { stage: BrokerStage }) => void) | undefined
}

/**
 * How much of the past is kept; whichever bound is reached first holds, `Infinity` is none. What is kept MAY be more,
 * by the step in which the engine trims. An outage that outlasts the history is a gap.
 */
export interface BrokerHistory {
	/**
	 * Number of entries. Brokers that span machines keep at least 1000, so that a burst is not trimmed before other
	 * processes have read it.
	 *
	 * @default 10_000
	 */
	events?: number | undefined
	/**
	 * Age in milliseconds; older entries are dropped when newer ones arrive.
	 *
	 * @default 3_600_000 (an hour)
	 */
	age?: number | undefined
}

/** The longest text that `signal` takes, in bytes of UTF-8. */
export const maxSignal = 4_096

/**
 * An ordered log. `memory()` is the default; `redis(client)`, `postgres(pool)` and `nats(connection)` span machines.
 *
 * No method may throw at the call, and no promise may be left to reject by itself.
 */
export interface Broker {
	/**
	 * Puts entries at the end of the log and resolves with a cursor for each, when they are as durable as the engine
	 * makes them.
	 *
	 * - Cursors MUST increase, over all processes, in the order of the log.
	 * - Appends that one broker object was given one after the other MUST stand in the log in that order.
	 * - When the promise has resolved, `head`, `read` and tails of every process MUST find the entries.
	 * - If it rejects with `network` or `timeout` the entries may have been stored or not, but never twice, and every
	 *   tail agrees on which.
	 * - It MUST settle within `wait` and the broker's `timeout`, whatever the engine does, also when thousands of appends
	 *   wait for it.
	 * - Entries that wait MUST be bounded in bytes: an append that does not fit MUST be rejected with `overflow` at once,
	 *   and one that never fits with `too-large`; nothing of it is stored.
	 * - An entry that the engine refuses MUST fail alone: neither others that were appended at the same time nor those
	 *   of later appends.
	 * - Concurrent appends, open transactions included, MUST NOT make any cursor skip an entry.
	 */
	append(entries: readonly Entry[], options?: AppendOptions): Promise<Cursor[]>

	/** Follows the log. Never fails: it reports to the listener, to `health` and to `onError`, and keeps trying. */
	tail(start: TailStart, listener: TailListener): Tail

	/**
	 * A range of the log: the entries behind `after`. MUST settle within the broker's `timeout`, as MUST `head` and
	 * `signal`.
	 *
	 * `after` may come from a client, so it MUST be taken for hostile: parsed strictly, never put into a query as
	 * text. A malformed one is a gap, not an error.
	 */
	read(after: Cursor, options: ReadOptions): Promise<Page>

	/**
	 * The end of the log: an entry appended before the call is not behind this cursor, one appended after it is. Of
	 * an empty log, its beginning. If there is no log yet, it is made.
	 */
	head(): Promise<Cursor>

	/**
	 * Tells every tail of every process, this one's included, without a trace in the log: best effort, may be lost,
	 * no order relative to entries, at most `maxSignal` bytes (`too-large` otherwise), no NUL. For what is worth
	 * nothing a minute later, such as heartbeats of presence.
	 */
	signal(text: string): Promise<void>

	/** Where the broker stands. */
	readonly health: BrokerHealth
	/** Calls `listener` at each change of `health.status`; returns a function that stops it. */
	onHealth(listener: (health: BrokerHealth) => void): () => void

	/**
	 * Closes all tails and whatever the broker opened; never the client that the user passed in. What still waits is
	 * rejected with `closed`, as is every later call. Calling it again does nothing. Leaves no handle behind.
	 */
	close(): Promise<void>
}
