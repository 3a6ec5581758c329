import { expect, test } from 'vitest'
import {
	decodeId,
	idHeader,
	isEventStream,
	isSendable,
	parseAnnouncement,
	streamHeaders
} from '../../../src/lib/wire/headers.js'
import { fc } from '../../support/check.js'

const needed = {
	'content-type': 'text/event-stream',
	'cache-control': 'private, no-store, no-transform',
	'x-accel-buffering': 'no',
	'sveltekit-sse': '1; ping=30000'
}

test('a stream has the headers that keep it flowing, and no others', () => {
	expect(Object.fromEntries(streamHeaders(30_000))).toEqual(needed)
})

test('headers of the user are added, and cannot break the stream', () => {
	const headers = streamHeaders(30_000, {
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
	expect(streamHeaders(30_000, given).getSetCookie()).toEqual(['a=1', 'b=2'])
	expect(given.get('connection')).toBe('close')
	expect(streamHeaders(30_000, [['x-a', '1']]).get('x-a')).toBe('1')
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

test.each<[string | null, { ping: number | undefined } | undefined]>([
	['1; ping=30000', { ping: 30_000 }],
	['1;ping=7', { ping: 7 }],
	['1; ping=0', { ping: undefined }],
	['1', { ping: undefined }],
	['1; later=yes', { ping: undefined }],
	['1; ping=30000; later=yes', { ping: 30_000 }],
	['2; ping=30000', undefined],
	['ping=30000', undefined],
	['', undefined],
	[null, undefined]
])('a stream that announces itself by %j is understood as %j', (value, announcement) => {
	expect(parseAnnouncement(value)).toEqual(announcement)
})

test('a stream announces the ping that it has; part of a millisecond is rounded up', () => {
	const announced = [false as const, 0.4, 30_000].map((ping) =>
		parseAnnouncement(streamHeaders(ping).get('sveltekit-sse'))
	)
	expect(announced).toEqual([{ ping: undefined }, { ping: 1 }, { ping: 30_000 }])
})

test('an id can go back if a header can carry it, and a server can be trusted to take it', () => {
	const good = ['7', 'é…', 'a\tb', 'x'.repeat(4_096), '€'.repeat(1_365)]
	expect(good.filter((id) => !isSendable(id))).toEqual([])
	const bad = [
		undefined,
		'',
		'a\0',
		'a\nb',
		'a\rb',
		'\x01',
		'\x1f',
		'\x7f',
		'x'.repeat(4_097),
		'€'.repeat(1_366)
	]
	expect(bad.filter(isSendable)).toEqual([])
})

test('whatever can go back makes a header', () => {
	fc.assert(
		fc.property(fc.string({ unit: 'binary' }), (id) => {
			if (isSendable(id)) new Headers({ 'last-event-id': idHeader(id) })
		})
	)
})
