import { describe, expect, test } from 'vitest'
import type { ReadNote } from '../../../src/lib/testing/read.js'
import { responseOf, StreamLog, streamOf } from '../../support/stream-log.js'

// The parse cases of the HTML standard (9.2.6) and of web-platform-tests/eventsource, each fed whole, byte by byte and
// cut in two at every place.

// [spec] 9.2.6: if the event type buffer is the empty string, the event's type is `message`.
const message = (data: string, id?: string): ReadNote =>
	id === undefined ? { event: 'message', data } : { event: 'message', data, id }
const messages = (...data: string[]): ReadNote[] => data.map((one) => message(one))

const long = 'x'.repeat(2 * 1024)

const standard: [name: string, text: string, log: ReadNote[]][] = [
	[
		'the first example: data over two lines',
		'data: YHOO\ndata: +2\ndata: 10\n\n',
		messages('YHOO\n+2\n10')
	],
	[
		'the second example: a comment, ids, an id that is taken back, a leading space',
		': test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n',
		[
			{ id: '1' },
			message('first event', '1'),
			{ id: '' },
			message('second event', ''),
			message(' third event')
		]
	],
	[
		'the third example: empty data, and data that never ends',
		'data\n\ndata\ndata\n\ndata:',
		messages('', '\n')
	],
	[
		'the fourth example: a space that does not count',
		'data:test\n\ndata: test\n\n',
		messages('test', 'test')
	]
]

const platform: typeof standard = [
	[
		'event-data',
		'data:msg\ndata: msg\n\n:\nfalsefield:msg\n\nfalsefield:msg\nData:data\n\ndata\n\ndata:end\n\n',
		messages('msg\nmsg', '', 'end')
	],
	['format-bom', '\uFEFFdata:1\n\n\uFEFFdata:2\n\ndata:3\n\n', messages('1', '3')],
	['format-bom-2', '\uFEFF\uFEFFdata:1\n\ndata:2\n\ndata:3\n\n', messages('2', '3')],
	[
		'format-comments',
		`data:1\r:\0\n:\r\ndata:2\n:${long}\rdata:3\n:data:fail\r:${long}\ndata:4\n\n`,
		messages('1\n2\n3\n4')
	],
	[
		'format-data-before-final-empty-line',
		'retry:1000\ndata:test1\n\nid:test\ndata:test2\n',
		[{ retry: 1_000 }, message('test1')]
	],
	['format-field-data', 'data:\n\ndata\ndata\n\ndata:test\n\n', messages('', '\n', 'test')],
	[
		'format-field-event',
		'event:test\ndata:x\n\ndata:x\n\n',
		[{ event: 'test', data: 'x' }, message('x')]
	],
	['format-field-event-empty', 'event: \ndata:data\n\n', messages('data')],
	[
		'format-field-id',
		'id: …\nretry: 200\ndata: hello\n\n',
		[{ retry: 200 }, { id: '…' }, message('hello', '…')]
	],
	[
		'format-field-id-3: an id stays until another comes, or an empty one',
		'id: 1\ndata: a\n\ndata: b\n\nid:\ndata: c\n\n',
		[{ id: '1' }, message('a', '1'), message('b'), { id: '' }, message('c', '')]
	],
	['format-field-id-null', 'id: \0a\ndata: x\n\nid: a\0\ndata: y\n\n', messages('x', 'y')],
	[
		'format-field-parsing',
		'data:\0\ndata:  2\rData:1\ndata\0:2\ndata:1\r\0data:4\nda-ta:3\rdata_5\ndata:3\rdata:\r\n data:32\n' +
			'data:4\n\n',
		messages('\0\n 2\n1\n3\n\n4')
	],
	['format-field-retry', 'retry:3000\ndata:x\n\n', [{ retry: 3_000 }, message('x')]],
	[
		'format-field-retry-bogus',
		'retry:3000\nretry:1000x\ndata:x\n\n',
		[{ retry: 3_000 }, message('x')]
	],
	['format-field-retry-empty', 'retry\ndata:test\n\n', messages('test')],
	[
		'format-field-unknown',
		'data:test\n data\ndata\nfoobar:xxx\njustsometext\n:thisisacommentyay\ndata:test\n\n',
		messages('test\n\ntest')
	],
	['format-leading-space', 'data:\ttest\rdata: \ndata:test\n\n', messages('\ttest\n\ntest')],
	['format-newlines', 'data:test\r\ndata\ndata:test\r\n\r', messages('test\n\ntest')],
	['format-null-character', 'data:\0\n\n\n\n', messages('\0')],
	['format-utf-8', 'data:ok…\n\n', messages('ok…')]
]

const more: typeof standard = [
	['nothing at all', '', []],
	['a byte order mark alone', '\uFEFF', []],
	['CR alone ends lines', 'data: a\rdata: b\r\rdata: c\r\r', messages('a\nb', 'c')],
	['CRLF ends lines', 'data: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n', messages('a\nb', 'c')],
	['LF after CRLF is a blank line', 'data: a\r\n\ndata: b\n\r\n', messages('a', 'b')],
	['LF CR is two line ends', 'data: a\n\rdata: b\n\r', messages('a', 'b')],
	['CR CR LF is two line ends', 'data: a\r\r\ndata: b\r\r\n', messages('a', 'b')],
	['only one space is taken off', 'data:   a \n\n', messages('  a ')],
	[
		'no other blank is taken off',
		'data:\u00A0a\n\ndata:\u3000b\n\n',
		messages('\u00A0a', '\u3000b')
	],
	['a colon within a value stays', 'data: a: b\nevent: x:y\n\n', [{ event: 'x:y', data: 'a: b' }]],
	[
		'a name without data is not an event, and not the next one’s',
		'event: x\n\ndata: y\n\n',
		messages('y')
	],
	['the last name counts', 'event: a\nevent: b\ndata: x\n\n', [{ event: 'b', data: 'x' }]],
	['an id without data is remembered', 'id: 7\n\n', [{ id: '7' }]],
	['an id before a missing blank line is not', 'data: a\n\nid: 7\n', messages('a')],
	['the last id counts', 'id: 1\nid: 2\ndata: x\n\n', [{ id: '2' }, message('x', '2')]],
	[
		'an id with NUL leaves the one before',
		'id: 1\nid: \0\ndata: x\n\n',
		[{ id: '1' }, message('x', '1')]
	],
	[
		'a retry with a sign, a point or a blank is none',
		'retry: +1\nretry: 1.5\nretry:  1\nretry: -1\n\n',
		[]
	],
	['a retry counts without an event', 'retry: 5\n', [{ retry: 5 }]],
	['a field name has no blanks', 'data : a\n data: b\n\tdata: c\n\n', []],
	['a field name is lower case', 'DATA: a\nEvent: b\n\n', []],
	[
		'U+2028, U+2029 and U+0085 end no line',
		'data: a\u2028b\u2029c\u0085d\n\n',
		messages('a\u2028b\u2029c\u0085d')
	],
	[
		'characters of two, three and four bytes',
		'event: é\ndata: €𝄞\n\n',
		[{ event: 'é', data: '€𝄞' }]
	],
	['a byte order mark within the stream is text', 'data: \uFEFFa\n\n', messages('\uFEFFa')],
	['many blank lines are no events', '\n\r\n\r\r\n\n', []]
]

const encoder = new TextEncoder()

function read(pieces: Uint8Array[]): Promise<ReadNote[]> {
	return new StreamLog(streamOf(pieces)).ended
}

describe.each([
	['the standard', standard],
	['the web platform tests', platform],
	['what they leave out', more]
])('%s', (_, cases) => {
	test.each(cases)('%s', async (_, text, log) => {
		const bytes = encoder.encode(text)
		expect(await read([bytes])).toEqual(log)
		expect(await read(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(log)
		const halves = await Promise.all(
			// The long comments need not be cut at each of their bytes.
			Array.from({ length: Math.min(bytes.length, 200) }, (_, at) =>
				read([bytes.subarray(0, at), bytes.subarray(at)])
			)
		)
		expect(halves).toEqual(halves.map(() => log))
	})
})

test('bytes that are not UTF-8 become the replacement character and end nothing', async () => {
	const bytes = [...encoder.encode('data: a'), 0xff, 0xc3, ...encoder.encode('b\n\ndata: c\n\n')]
	expect(await read([Uint8Array.from(bytes)])).toEqual(messages('a\uFFFD\uFFFDb', 'c'))
})

test('a body that breaks off loses the event it was in, and no other', async () => {
	const body = new ReadableStream<Uint8Array>({
		start: (controller) => controller.enqueue(encoder.encode('data: a\n\ndata: b\n')),
		pull: (controller) => controller.error(new Error('reset'))
	})
	expect(await new StreamLog(responseOf(body)).ended).toEqual([message('a'), { cut: true }])
})
