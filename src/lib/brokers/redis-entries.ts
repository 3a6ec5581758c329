import type { LogEntry } from '../hub/broker.js'
import { formatCursor, type Position } from '../hub/cursor.js'

/** An entry of a stream, as any client and protocol version gives it. */
export interface StreamEntry {
	id: string
	fields: Record<string, string>
}

/** A script's entries: `[id, [field, value, …]]`. */
export function scriptEntries(raw: unknown): StreamEntry[] {
	return (raw as [unknown, unknown[]][]).map(([id, flat]) => ({
		id: String(id),
		fields: pairs(flat)
	}))
}

/** The answer of XREAD: a list of `{ name, messages }`, or with version 3 of the protocol a map of raw entries. */
export function readEntries(raw: unknown, key: string): StreamEntry[] {
	if (!raw) return []
	if (Array.isArray(raw)) {
		const streams = raw as { name: unknown; messages: { id: unknown; message: object }[] }[]
		const messages = streams.find(({ name }) => String(name) === key)?.messages ?? []
		return messages.map(({ id, message }) => ({
			id: String(id),
			fields: pairs(Object.entries(message).flat())
		}))
	}
	const map = raw instanceof Map ? (raw as Map<string, unknown>) : new Map(Object.entries(raw))
	return scriptEntries(map.get(key) ?? [])
}

function pairs(flat: unknown[]): Record<string, string> {
	const fields: Record<string, string> = {}
	for (let at = 0; at < flat.length; at += 2) fields[String(flat[at])] = String(flat[at + 1])
	return fields
}

/** Ids are `<milliseconds>-<sequence>`. */
export function parseId(id: string, epoch: string): Position {
	const [time, sequence] = id.split('-')
	return { epoch, sequence: Number(sequence), mark: Number(time) }
}

export function positionOf({ id, fields }: StreamEntry): Position {
	return parseId(id, fields.e ?? '')
}

export function logEntry(entry: StreamEntry): LogEntry {
	const position = positionOf(entry)
	const { t = '', n = '', d = '', x = '', f = '' } = entry.fields
	return {
		topic: t,
		name: n,
		data: d,
		...(f.includes('x') && { except: x }),
		...(f.includes('c') && { control: true }),
		cursor: formatCursor(position),
		at: position.mark
	}
}
