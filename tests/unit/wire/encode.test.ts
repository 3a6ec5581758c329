import { describe, expect, test } from 'vitest'
import { encodeComment, encodeEvent, encodeId, encodeRetry } from '../../../src/lib/wire/encode.js'
import { fc } from '../../support/check.js'
import type { ReadNote } from '../../../src/lib/testing/read.js'
import { StreamLog, streamOf } from '../../support/stream-log.js'

/** Text that tries to be more than text: line ends, field names, colons, NUL, BOM, characters of 2, 3 and 4 bytes. */
const wild = fc
	.array(
		fc.oneof(
			fc.constantFrom('\r', '\n', '\r\n', ':', ' ', '\0', '\uFEFF', '\u2028', '\u0085', '\t'),
			fc.constantFrom('data: ', 'id: 7', 'event: forged', 'retry: 1', '\n\n', ': comment'),
			fc.constantFrom('é', '€', '𝄞', 'a'),
			fc.string({ unit: 'grapheme', maxLength: 8 })
		),
		{ maxLength: 12 }
	)
	.map((parts) => parts.join(''))
/** Text that may stand on one line. */
const line = wild.map((text) => text.replace(/[\r\n\0]/g, ''))
const name = line.filter((text) => text !== '')
/** Text that a header can carry too. */
const sendable = line.map((text) => text.replace(/[\0-\x1f\x7f]/g, '').replace(/^ +| +$/g, ''))

interface Emitted {
	name: string
	data: string
	id: string | undefined
	retry: number | undefined
}

const emitted: fc.Arbitrary<Emitted> = fc.record({
	name,
	data: wild,
	id: fc.option(sendable, { nil: undefined }),
	retry: fc.option(fc.nat(), { nil: undefined })
})

function encode({ name, data, id, retry }: Emitted): string {
	return encodeEvent(name, data, id, retry)
}

/** What a client has to notice of these events: the line ends of their data are LF. */
function expected(events: Emitted[]): ReadNote[] {
	return events.flatMap(({ name, data, id, retry }) => [
		...(retry === undefined ? [] : [{ retry }]),
		...(id === undefined ? [] : [{ id }]),
		{ event: name, data: data.replace(/\r\n?/g, '\n'), ...(id === undefined ? {} : { id }) }
	])
}

function read(pieces: Iterable<Uint8Array | string>): Promise<ReadNote[]> {
	return new StreamLog(streamOf(pieces)).ended
}

/** Cuts bytes at the given places, characters included. */
function cut(bytes: Uint8Array, places: number[]): Uint8Array[] {
	const ends = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b)
	return [...ends, bytes.length].map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end))
}

describe('an encoded event', () => {
	test('is parsed as what was emitted, however the bytes are cut', async () => {
		await fc.assert(
			fc.asyncProperty(
				fc.array(emitted, { minLength: 1, maxLength: 5 }),
				fc.array(fc.nat(), { maxLength: 12 }),
				async (events, places) => {
					const bytes = new TextEncoder().encode(events.map(encode).join(''))
					expect(await read(cut(bytes, places))).toEqual(expected(events))
				}
			),
			{ numRuns: 500 }
		)
	})

	test('is parsed as what was emitted, byte by byte', async () => {
		await fc.assert(
			fc.asyncProperty(fc.array(emitted, { maxLength: 3 }), async (events) => {
				const bytes = new TextEncoder().encode(events.map(encode).join(''))
				expect(await read(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(
					expected(events)
				)
			}),
			{ numRuns: 100 }
		)
	})

	test('reads as plain lines of the standard', () => {
		expect([
			encodeEvent('message', 'hi'),
			encodeEvent('chat', 'a\nb', '7', 1_000),
			encodeEvent('empty', ''),
			encodeId('9'),
			encodeRetry(500) + encodeComment('note')
		]).toEqual([
			'event: message\ndata: hi\n\n',
			'event: chat\ndata: a\ndata: b\nid: 7\nretry: 1000\n\n',
			'event: empty\ndata: \n\n',
			'id: 9\n\n',
			'retry: 500\n:note\n\n'
		])
	})

	// 0.15 wrote a CR of the data as it was, and so let whoever sent it forge fields.
	test.each([
		['CR', 'a\rid: 666\revent: forged\rdata: b'],
		['LF', 'a\nid: 666\nevent: forged\ndata: b'],
		['CRLF', 'a\r\nid: 666\r\nevent: forged\r\ndata: b'],
		['a blank line', 'a\r\n\r\nevent: forged\r\ndata: b\n\n'],
		['NUL', 'a\0\rid: 666\r\r:']
	])('keeps %s in the data from forging a field', async (_, data) => {
		expect(await read([encodeEvent('chat', data)])).toEqual([
			{ event: 'chat', data: data.replace(/\r\n?/g, '\n') }
		])
	})

	test('takes its name from a table that stays small and right', async () => {
		const names = Array.from({ length: 3_000 }, (_, index) => `name ${index % 1_500}`)
		const log = await read(names.map((name) => encodeEvent(name, name)))
		expect(log).toEqual(names.map((name) => ({ event: name, data: name })))
	})
})

describe('what no stream can carry', () => {
	test.each([
		['a name with LF', 'a\nid: 1', undefined, 'without CR, LF and NUL'],
		['a name with CR', 'a\rid: 1', undefined, 'without CR, LF and NUL'],
		['a name with NUL', 'a\0', undefined, 'without CR, LF and NUL'],
		['an empty name', '', undefined, "such as 'message'"],
		['a name that is no string', 7, undefined, 'received number 7'],
		['a name that is a symbol', Symbol('s'), undefined, 'received a symbol'],
		['an id with LF', 'a', '1\ndata: x', 'control characters'],
		['an id with CR', 'a', '1\rdata: x', 'control characters'],
		['an id with NUL', 'a', '1\0', 'control characters'],
		['an id with a tab', 'a', '1\t2', 'control characters'],
		['an id with DEL', 'a', '1\x7f', 'control characters'],
		['an id that begins with a space', 'a', ' 1', 'space at its ends'],
		['an id that ends with a space', 'a', '1 ', 'space at its ends'],
		['an id that is no string', 'a', 7, 'String(id)'],
		['an id that is null', 'a', null, 'received null']
	])('%s is an error that says so', (_, name, id, remedy) => {
		expect(() => encodeEvent(name as string, 'x', id as string | undefined)).toThrow(
			expect.objectContaining({
				name: 'SseError',
				code: 'invalid-argument',
				message: expect.stringContaining(remedy)
			})
		)
	})

	test.each([-1, 1.5, NaN, Infinity, '1000', null])('a retry of %j is an error', (retry) => {
		expect(() => encodeEvent('a', 'x', undefined, retry as number)).toThrow(/`retry` must be/)
		expect(() => encodeRetry(retry as number)).toThrow(/`retry` must be/)
	})

	test('a refused name is refused again', () => {
		for (const _ of [1, 2]) expect(() => encodeEvent('a\n', '')).toThrow(/without CR/)
	})
})
