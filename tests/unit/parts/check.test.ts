import { describe, expect, test } from 'vitest'
import { SseError } from '../../../src/lib/errors.js'
import {
	checkEventName,
	checkHeaders,
	describe as describeValue,
	invalid,
	isEventName
} from '../../../src/lib/parts/check.js'

test('the error for a wrong argument says what it must be, and what came instead', () => {
	const error = invalid('`ping`', 'milliseconds above 0', -1)
	expect(error).toBeInstanceOf(SseError)
	expect(error.code).toBe('invalid-argument')
	expect(error.message).toBe('`ping` must be milliseconds above 0, received number -1.')
	expect('cause' in error).toBe(false)
})

test('the error for a wrong argument keeps what found it wrong', () => {
	const cause = new TypeError('no such thing')
	const error = invalid('`headers`', 'headers', 7, cause)
	expect(error.message).toBe('`headers` must be headers, received number 7 (no such thing).')
	expect(error.cause).toBe(cause)
})

test.for<[unknown, string]>([
	[undefined, 'undefined'],
	[null, 'null'],
	[0, 'number 0'],
	[false, 'boolean false'],
	['a "b"\n', 'string "a \\"b\\"\\n"'],
	['x'.repeat(100), `string "${'x'.repeat(60)}"`],
	['redis://me:se/c@ret@host/0', 'string "redis://…@host/0"'],
	[[1], 'an array'],
	[{}, 'an object'],
	[new Map(), 'an object'],
	[Object.create(null), 'an object'],
	[() => {}, 'a function'],
	[Symbol('s'), 'a symbol'],
	[1n, 'a bigint']
])('a value is described in a few words: %o', ([value, words]) => {
	expect(describeValue(value)).toBe(words)
})

describe('the name of an event', () => {
	test.for(['message', ' ', 'é', '__proto__', 'a:b', 'x'.repeat(10_000)])('can be %j', (name) => {
		expect(isEventName(name)).toBe(true)
		expect(() => checkEventName(name)).not.toThrow()
	})

	test.for(['', 'a\nb', 'a\rb', 'a\0b', 7, undefined, null, {}])('cannot be %j', (name) => {
		expect(isEventName(name)).toBe(false)
		expect(() => checkEventName(name)).toThrow(/^An event name must be a string of at least one/)
	})
})

test('headers that cannot be sent are refused', () => {
	for (const headers of [undefined, {}, [['a', 'b']], new Headers({ a: 'b' })])
		expect(() => checkHeaders(headers)).not.toThrow()
	for (const headers of [{ 'a b': 'c' }, { a: 'é\u{1f600}' }, 7])
		expect(() => checkHeaders(headers)).toThrow(/^`headers` must be what `new Headers\(\)` takes/)
})
