import type { Entry, LogEntry } from '../hub/broker.js'
import { formatCursor, type Position } from '../hub/cursor.js'

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

export function logEntry(epoch: string, row: Row): LogEntry {
	const { topic, name, data, sender, flags, at } = row
	return {
		topic,
		name,
		data: flags.includes('j') ? (JSON.parse(data) as string) : data,
		...(sender !== null && { except: sender }),
		...(flags.includes('c') && { control: true }),
		cursor: formatCursor(positionOf(epoch, row)),
		at: Number(at)
	}
}
