import { expect, test } from 'vitest'
import { decodeId, idHeader, isEventStream, streamHeaders } from '../../../src/lib/wire/headers.js'
import { fc } from '../../support/check.js'

const needed = {
	'content-type': 'text/event-stream',
	'cache-control': 'private, no-store, no-transform',
	'x-accel-buffering': 'no'
}

test('a stream has the headers that keep it flowing, and no others', () => {
	expect(Object.fromEntries(streamHeaders())).toEqual(needed)
})

test('headers of the user are added, and cannot break the stream', () => {
	const headers = streamHeaders({
		'X-Own': 'yes',
		// Breaks streams behind HTTP/2.
		Connection: 'keep-alive',
		'Keep-Alive': 'timeout=5',
		'Transfer-Encoding': 'chunked',
		'Content-Encoding': 'gzip',
		'Content-Length': '5',
		'Content-Type': 'application/json',
		'Cache-Control': 'max-age=60',
		'X-Accel-Buffering': 'yes'
	})
	expect(Object.fromEntries(headers)).toEqual({ ...needed, 'x-own': 'yes' })
})

test('headers of every form are taken, several cookies too, and left as they are', () => {
	const given = new Headers([
		['set-cookie', 'a=1'],
		['set-cookie', 'b=2'],
		['connection', 'close']
	])
	expect(streamHeaders(given).getSetCookie()).toEqual(['a=1', 'b=2'])
	expect(given.get('connection')).toBe('close')
	expect(streamHeaders([['x-a', '1']]).get('x-a')).toBe('1')
})

// 0.15 took a content type with a parameter for an error.
test.each([
	['text/event-stream', true],
	['text/event-stream; charset=utf-8', true],
	['text/event-stream;', true],
	['Text/Event-Stream ; charset=UTF-8', true],
	[' text/event-stream', true],
	['text/event-stream-x', false],
	['text/x-event-stream', false],
	['application/json; text/event-stream', false],
	['text/html', false],
	['', false],
	[null, false]
])('%j is the type of an event stream: %j', (contentType, is) => {
	expect(isEventStream(contentType)).toBe(is)
})

test('any id goes through a header and comes back', () => {
	fc.assert(
		fc.property(fc.string({ unit: 'grapheme' }), (text) => {
			// A header has no blanks at its ends and no control characters.
			const id = `<${text.replace(/[\0-\x1f\x7f]/g, '').toWellFormed()}>`
			const headers = new Headers({ 'last-event-id': idHeader(id) })
			expect(decodeId(headers.get('last-event-id'))).toBe(id)
		})
	)
	expect(decodeId(idHeader('\uFEFFid'))).toBe('\uFEFFid')
})

test('an id that is missing or empty is none', () => {
	expect([null, undefined, ''].map(decodeId)).toEqual([undefined, undefined, undefined])
})
