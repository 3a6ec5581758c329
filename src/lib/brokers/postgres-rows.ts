import type { Entry, LogEntry } from '../hub/broker.js'
import { formatCursor, type Position } from '../hub/cursor.js'
import { isEventName } from '../parts/check.js'

/** A row of the log; numbers come as text unless the user has told `pg` otherwise. */
export interface Row {
	readonly sequence: unknown
	readonly topic: string
	readonly name: string
	readonly data: string
	readonly sender: string | null
	readonly flags: string
	readonly at: unknown
}

/** The columns of entries: topics, names, data, senders, flags. */
export type Columns = [string[], string[], string[], (string | null)[], string[]]

/** Flags: `c` for control, `j` for data that is written as JSON, since PostgreSQL's text cannot hold a NUL. */
export function columnsOf(entries: readonly Entry[]): Columns {
	const columns: Columns = [[], [], [], [], []]
	for (const { topic, name, data, except, control } of entries) {
		const nul = data.includes('\0')
		columns[0].push(topic)
		columns[1].push(name)
		columns[2].push(nul ? JSON.stringify(data) : data)
		columns[3].push(except ?? null)
		columns[4].push(`${control ? 'c' : ''}${nul ? 'j' : ''}`)
	}
	return columns
}

export function positionOf(epoch: string, { sequence, at }: Row): Position {
	return { epoch, sequence: Number(sequence), mark: Number(at) }
}

/**
 * The entry of a row; never throws. Any program may write rows, and one of before the constraints may be impossible to
 * send: the entry then has neither name nor data, and keeps its place in the log.
 */
export function logEntry(epoch: string, row: Row): LogEntry {
	const { topic, name, sender, flags, at } = row
	const data = isEventName(name) ? dataOf(row) : undefined
	return {
		topic,
		name: data === undefined ? '' : name,
		data: data ?? '',
		...(sender !== null && { except: sender }),
		...(flags.includes('c') && { control: true }),
		cursor: formatCursor(positionOf(epoch, row)),
		at: Number(at)
	}
}

/** `undefined` for what is marked as JSON and is no string in JSON. */
function dataOf({ data, flags }: Row): string | undefined {
	if (!flags.includes('j')) return data
	try {
		const value: unknown = JSON.parse(data)
		return typeof value === 'string' ? value : undefined
	} catch {
		return undefined
	}
}
