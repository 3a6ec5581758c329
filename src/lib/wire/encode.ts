import { checkEventName, invalid } from '../parts/check.js'

// The only place of the library that writes the text of an event stream.

/** Frames of one name share this text; it is kept so that a name is checked once, not once an event. */
const heads = new Map<string, string>()
const maxHeads = 512

// [spec] 9.2.5: end-of-line = ( cr lf / cr / lf )
const lineEnd = /\r\n|\r|\n/

/**
 * The text of one event.
 *
 * @throws {SseError} `invalid-argument` when the name or the id could forge a field, or could never be received.
 */
export function encodeEvent(name: string, data: string, id?: string, retry?: number): string {
	let text = heads.get(name) ?? head(name)
	// [spec] 9.2.6: each line of the data is a `data` field; the parser joins them with one LF.
	text += data.includes('\n') || data.includes('\r') ? data.split(lineEnd).join('\ndata: ') : data
	if (id !== undefined) text += `\nid: ${checkedId(id)}`
	if (retry !== undefined) text += `\nretry: ${checkedRetry(retry)}`
	return text + '\n\n'
}

/** A `retry:` field of its own, without an event. */
export function encodeRetry(retry: number): string {
	return `retry: ${checkedRetry(retry)}\n`
}

/** A comment. [spec] 9.2.6: a line that starts with a colon is ignored. */
export function encodeComment(text = ''): string {
	return `:${text}\n\n`
}

function head(name: string): string {
	checkEventName(name)
	// [spec] 9.2.6: if value starts with a U+0020 SPACE character, remove it from value. One is ours, so a
	// leading space of the name survives.
	const text = `event: ${name}\ndata: `
	if (heads.size >= maxHeads) heads.clear()
	heads.set(name, text)
	return text
}

// What a client cannot give back as it was, in the header `Last-Event-ID`.
// [spec] 9.2.6: an id with U+0000 NULL is ignored, so it would be lost without a word.
const unsendable = /[\0-\x1f\x7f]|^ | $/

function checkedId(id: unknown): string {
	if (typeof id === 'string' && !unsendable.test(id)) return id
	const remedy = typeof id === 'string' ? 'encode it first' : 'convert it with String(id)'
	throw invalid(
		'An event id',
		`a string without control characters, and without a space at its ends (${remedy})`,
		id
	)
}

function checkedRetry(retry: unknown): number {
	if (Number.isSafeInteger(retry) && (retry as number) >= 0) return retry as number
	throw invalid('`retry`', 'whole milliseconds, 0 or more', retry)
}

/** An id without an event: it moves the place to resume from, and delivers nothing. */
export function encodeId(id: string): string {
	// [spec] 9.2.6: the last event ID is set before the dispatch looks whether there is any data.
	return `id: ${checkedId(id)}\n\n`
}
