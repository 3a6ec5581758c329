import { SseError } from '../errors.js'

// The only place of the library that writes the text of an event stream.

/** Frames of one name share this text; it is kept so that a name is checked once, not once an event. */
const heads = new Map<string, string>()
const mostHeads = 512

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
	checkName(name)
	const text = `event: ${name}\ndata: `
	if (heads.size >= mostHeads) heads.clear()
	heads.set(name, text)
	return text
}

/** @throws {SseError} `invalid-argument` for a name that no stream can carry. */
export function checkName(name: unknown): asserts name is string {
	if (typeof name !== 'string')
		throw invalid(`An event name must be a string, received ${describe(name)}.`)
	if (name === '')
		throw invalid(
			"An event name must not be empty: the standard delivers it as 'message', so use 'message'."
		)
	const bad = forbidden(name)
	if (bad)
		throw invalid(
			`An event name must not contain ${bad}, received ${JSON.stringify(name)}. Remove it.`
		)
	// [spec] 9.2.6: if value starts with a U+0020 SPACE character, remove it from value. One is ours, so a
	// leading space of the name survives.
}

// What a client cannot give back as it was: the value of the header `Last-Event-ID`.
const unsendable = /[\0-\x1f\x7f]|^ | $/

function checkedId(id: unknown): string {
	if (typeof id !== 'string')
		throw invalid(
			`An event id must be a string, received ${describe(id)}. Convert it with String(id).`
		)
	if (unsendable.test(id)) {
		const bad = forbidden(id) ?? 'a control character, nor a space at its ends'
		throw invalid(
			`An event id must not contain ${bad}, received ${JSON.stringify(id)}. Encode it first.`
		)
	}
	return id
}

function checkedRetry(retry: unknown): number {
	if (!Number.isSafeInteger(retry) || (retry as number) < 0)
		throw invalid(
			`retry must be a whole number of milliseconds, 0 or more, received ${describe(retry)}. Round it.`
		)
	return retry as number
}

function forbidden(text: string): string | undefined {
	if (text.includes('\n')) return 'a line feed (LF)'
	if (text.includes('\r')) return 'a carriage return (CR)'
	// [spec] 9.2.6: an id with U+0000 NULL is ignored, so it would be lost without a word.
	if (text.includes('\0')) return 'a NUL character'
	return undefined
}

function invalid(message: string): SseError {
	return new SseError('invalid-argument', message)
}

/** A value's type and, when short, its text, for messages. */
export function describe(value: unknown): string {
	if (value === null || value === undefined) return String(value)
	if (typeof value === 'number' || typeof value === 'boolean') return `${typeof value} ${value}`
	if (typeof value === 'string') return `string ${JSON.stringify(value.slice(0, 60))}`
	return Array.isArray(value)
		? 'an array'
		: typeof value === 'object'
			? 'an object'
			: `a ${typeof value}`
}

/** An id without an event: it moves the place to resume from, and delivers nothing. */
export function encodeId(id: string): string {
	// [spec] 9.2.6: the last event ID is set before the dispatch looks whether there is any data.
	return `id: ${checkedId(id)}\n\n`
}
