import { SseError, toError } from '../errors.js'

// Arguments of users: how they are looked at, and how the error for a wrong one is worded.

/**
 * The error for an argument that is not as expected.
 *
 * @param what how the sentence begins: `` `ping` ``, or `An event name`
 * @param expected how it goes on after "must be"; it may end with a remedy
 */
export function invalid(
	what: string,
	expected: string,
	received: unknown,
	cause?: unknown
): SseError {
	const why = cause === undefined ? '' : ` (${toError(cause).message})`
	return new SseError(
		'invalid-argument',
		`${what} must be ${expected}, received ${describe(received)}${why}.`,
		cause === undefined ? {} : { cause }
	)
}

/** A value's type and, when short, its text, for messages. */
export function describe(value: unknown): string {
	if (value === null || value === undefined) return String(value)
	if (typeof value === 'number' || typeof value === 'boolean') return `${typeof value} ${value}`
	// The URL of an engine, given where its client belongs, may hold a password.
	if (typeof value === 'string')
		return `string ${JSON.stringify(value.replace(/\/\/.*@/s, '//…@').slice(0, 60))}`
	if (typeof value === 'object') return Array.isArray(value) ? 'an array' : 'an object'
	return `a ${typeof value}`
}

/** If an option is given and is no number within its bounds, throws. */
export function checkNumber(name: string, value: unknown, least: number, remedy = ''): void {
	if (value === undefined || (typeof value === 'number' && value >= least)) return
	throw invalid(`\`${name}\``, `a number, ${least} or more${remedy}`, value)
}

/** Whether a stream can carry events of this name. */
export function isEventName(name: unknown): name is string {
	// [spec] 9.2.5: any-char is a scalar value other than U+000A LINE FEED (LF) or U+000D CARRIAGE RETURN (CR).
	// PostgreSQL stores no U+0000.
	return typeof name === 'string' && name !== '' && !/[\r\n\0]/.test(name)
}

/** @throws {SseError} `invalid-argument` for a name that no stream can carry. */
export function checkEventName(name: unknown): asserts name is string {
	if (!isEventName(name))
		throw invalid(
			'An event name',
			"a string of at least one character, without CR, LF and NUL, such as 'message'",
			name
		)
}

/** @throws {SseError} `invalid-argument` for headers that cannot be sent. */
export function checkHeaders(headers: unknown): void {
	try {
		new Headers(headers as HeadersInit)
	} catch (cause) {
		const expected = "what `new Headers()` takes, such as { 'x-name': 'value' }"
		throw invalid('`headers`', expected, headers, cause)
	}
}
