import type { Cursor, GapReason } from './broker.js'

/**
 * A cursor taken apart.
 *
 * `sequence` counts the log's entries from 1 without a hole, so that a missing one is seen by arithmetic. `mark` tells
 * apart two entries that got the same number because the log was rolled back in between (a failover to a replica that
 * lagged, a restored backup): brokers whose engine can do that put the time of the append there. An engine that
 * stores several entries under one number may put the index there.
 */
export interface Position {
	/** Which log: a new one begins when the past was lost. */
	readonly epoch: string
	/** The number of the entry, from 1. */
	readonly sequence: number
	/** Tells apart what had the same number. */
	readonly mark: number
}

/** The outlines of a log: what a cursor is compared with. */
export interface LogState {
	/** Which log it is. */
	readonly epoch: string
	/** The last entry ever appended; `{ sequence: 0, mark: 0 }` if there was none. */
	readonly last: Pick<Position, 'sequence' | 'mark'>
	/** The sequence of the oldest entry that is still kept; `undefined` if none is. */
	readonly first: number | undefined
}

// Anchored, without leading zeros and bounded, so that every position has exactly one spelling.
const grammar = /^([0-9a-z]{1,16})-(0|[1-9][0-9]{0,15})-(0|[1-9][0-9]{0,15})$/

/**
 * A position as text: what goes to clients, and what `parseCursor` takes.
 *
 * @example
 * ```ts
 * import { formatCursor } from 'sveltekit-sse/hub'
 *
 * formatCursor({ epoch: '1k5ay0', sequence: 42, mark: 0 }) // '1k5ay0-42-0'
 * ```
 */
export function formatCursor(position: Position): Cursor {
	return `${position.epoch}-${position.sequence}-${position.mark}`
}

/**
 * A cursor taken apart. If `text` is not exactly what `formatCursor` makes, the result is `undefined`. Safe on hostile
 * input.
 *
 * @example
 * ```ts
 * import { parseCursor } from 'sveltekit-sse/hub'
 *
 * parseCursor('1k5ay0-42-0') // { epoch: '1k5ay0', sequence: 42, mark: 0 }
 * parseCursor("1k5ay0-42'; drop table") // undefined
 * ```
 */
export function parseCursor(text: unknown): Position | undefined {
	if (typeof text !== 'string' || text.length > 50) return undefined
	const match = grammar.exec(text)
	if (!match) return undefined
	const sequence = Number(match[2])
	const mark = Number(match[3])
	if (!Number.isSafeInteger(sequence) || !Number.isSafeInteger(mark)) return undefined
	return { epoch: match[1] as string, sequence, mark }
}

/** Negative if `a` stands before `b`. Only positions of the same epoch have an order. */
export function comparePositions(a: Position, b: Position): number {
	return a.sequence - b.sequence || a.mark - b.mark
}

/**
 * Negative if `a` stands before `b`: by their numbers alone, since entries of one number are stored and handed over
 * together. Undefined if they have no order, since they are of different logs.
 */
export function compareCursors(a: Cursor, b: Cursor): number | undefined {
	const [one, other] = [parseCursor(a), parseCursor(b)]
	return one && one.epoch === other?.epoch ? one.sequence - other.sequence : undefined
}

/**
 * Says whether what stands behind a position can still be told whole.
 *
 * @param position what `parseCursor` made of a cursor; `undefined` is a gap too.
 * @param state the outlines of the log.
 * @param found whether the log holds the very entry that the position names, mark included; it is only looked at where
 * that entry should still be there.
 * @returns why it cannot, or `undefined` if it can.
 *
 * @example
 * ```ts
 * import { findGap, parseCursor } from 'sveltekit-sse/hub'
 *
 * const state = { epoch: '1k5ay0', last: { sequence: 99, mark: 0 }, first: 50 }
 * findGap(parseCursor('1k5ay0-60-0'), state, true) // undefined: entries 61 to 99 follow
 * findGap(parseCursor('1k5ay0-42-0'), state, false) // 'trimmed'
 * ```
 */
export function findGap(
	position: Position | undefined,
	state: LogState,
	found: boolean
): GapReason | undefined {
	if (!position) return 'unknown'
	if (position.epoch !== state.epoch) return 'epoch'
	if (position.sequence > state.last.sequence) return 'unknown'
	if (position.sequence === state.last.sequence) {
		return position.mark === state.last.mark ? undefined : 'unknown'
	}
	const first = state.first ?? state.last.sequence + 1
	if (position.sequence < first - 1) return 'trimmed'
	if (position.sequence >= first && !found) return 'unknown'
	return undefined
}

/**
 * A new epoch, for a log that begins: 10 characters, 51 random bits.
 *
 * @example
 * ```ts
 * import { createEpoch } from 'sveltekit-sse/hub'
 *
 * const epoch = createEpoch() // such as 'q3v0zk81mw'
 * ```
 */
export function createEpoch(): string {
	const bytes = crypto.getRandomValues(new Uint8Array(10))
	// 256 is no multiple of 36; the bias costs less than a bit of the whole.
	return Array.from(bytes, (byte) => (byte % 36).toString(36)).join('')
}
