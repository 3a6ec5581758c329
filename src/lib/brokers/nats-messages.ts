import type { Entry, LogEntry } from '../hub/broker.js'
import { formatCursor, type LogState, type Position } from '../hub/cursor.js'

/**
 * A batch of entries travels as one message, so that it is stored as a whole and in order, with one acknowledgement.
 * A position is then the number of the message and a mark that says which of its entries.
 */
interface Envelope {
	/** When the publisher made it, in milliseconds; by it a message is known again. */
	t: number
	e: [topic: string, name: string, data: string, flags: string, except?: string][]
}

/** The mark of "the whole message, whatever it held", larger than every other. */
export const whole = Number.MAX_SAFE_INTEGER
/** Entries in one message, since a mark has three digits for them. */
export const maxIndex = 1_000

/** Time, index, and whether it is the last of its message; increasing with the index. */
function markOf(time: number, index: number, count: number): number {
	return (time * maxIndex + index) * 2 + (index === count - 1 ? 1 : 0)
}

/** True if nothing of the position's message is left to tell. */
function isComplete({ mark }: Position): boolean {
	return mark % 2 === 1
}

export function marksOf(time: number, count: number): number[] {
	return Array.from({ length: count }, (_, index) => markOf(time, index, count))
}

/** An entry as JSON; `encodeMessage` puts it into a message. */
export function encodeEntry({ topic, name, data, except, control }: Entry): string {
	const flags = `${control ? 'c' : ''}${except === undefined ? '' : 'x'}`
	const item: Item = [topic, name, data, flags]
	if (except !== undefined) item.push(except)
	return JSON.stringify(item)
}

export function encodeMessage(entries: readonly string[], time: number): Uint8Array {
	return new TextEncoder().encode(`{"t":${time},"e":[${entries.join()}]}`)
}

type Item = Envelope['e'][number]

function isWhole(item: unknown): item is Item {
	return Array.isArray(item) && item.length >= 4 && item.every((one) => typeof one === 'string')
}

/** An entry that another program has put into the stream: without a name, it is a gap of its topic. */
function unreadable(item: unknown): Item {
	const topic: unknown = Array.isArray(item) ? item[0] : undefined
	return [typeof topic === 'string' ? topic : '', '', '', '']
}

/** A message of the log, decoded. */
export interface LogMessage {
	readonly sequence: number
	readonly entries: LogEntry[]
	readonly marks: number[]
	/** The position after all of it. */
	readonly end: Position
}

export function decodeMessage(
	bytes: Uint8Array,
	epoch: string,
	sequence: number,
	at: number
): LogMessage {
	const { t, e } = JSON.parse(new TextDecoder().decode(bytes)) as Envelope
	const marks = marksOf(t, e.length)
	const entries = e.map((item, index): LogEntry => {
		const [topic, name, data, flags, except = ''] = isWhole(item) ? item : unreadable(item)
		return {
			topic,
			name,
			data,
			...(flags.includes('x') && { except }),
			...(flags.includes('c') && { control: true }),
			cursor: formatCursor({ epoch, sequence, mark: marks[index] as number }),
			at
		}
	})
	return { sequence, entries, marks, end: { epoch, sequence, mark: marks.at(-1) ?? whole } }
}

/** Entries of a message behind a position in it; `undefined` if the position is of another message. */
export function behind(message: LogMessage, { mark }: Position): LogEntry[] | undefined {
	if (mark === whole) return []
	const index = message.marks.indexOf(mark)
	return index < 0 ? undefined : message.entries.slice(index + 1)
}

/**
 * The state as `findGap` wants it. What it cannot know is whether a message that is gone was told whole: a position in
 * the middle of one stands before the hole that its end leaves.
 */
export function gapState(position: Position | undefined, state: LogState): LogState {
	if (!position) return state
	const last = { ...state.last, mark: position.mark }
	const first = state.first ?? state.last.sequence + 1
	const torn = position.sequence === first - 1 && position.sequence > 0 && !isComplete(position)
	if (!torn) return { ...state, last }
	return { ...state, last: { sequence: last.sequence + 1, mark: 0 }, first: first + 1 }
}
