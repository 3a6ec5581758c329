import { describe, expect, test } from 'vitest'
import { isDeepStrictEqual } from 'node:util'
import { devalueCodec } from '../../../src/lib/contract/devalue.js'
import { jsonCodec, textCodec, type Codec } from '../../../src/lib/index.js'
import { codecConformance, type CodecUnderTest } from '../../../src/lib/testing/index.js'
import { fc } from '../../support/check.js'
import { rejection } from '../testing/fixture.js'

const plain = [null, true, 0, -1.5, '', 'a\r\nb\0', '\ud800', [], {}, { a: [{ b: null }] }]
const cycle: { self?: unknown } = {}
cycle.self = cycle

const subjects: Record<string, CodecUnderTest> = {
	jsonCodec: {
		codec: jsonCodec,
		samples: plain,
		refused: [undefined, () => {}, Symbol('a'), 1n, cycle],
		broken: ['', '{', 'undefined', '{"a":1}}'],
		isEqual: isDeepStrictEqual
	},
	textCodec: {
		codec: textCodec,
		samples: ['', ' ', 'a\nb\n', '{"a":1}', 'é😀\0', ':', 'data: x'],
		refused: [undefined, null, 1, {}],
		isEqual: Object.is
	},
	'devalueCodec()': {
		codec: devalueCodec(),
		samples: [
			...plain,
			undefined,
			-0,
			NaN,
			10n,
			new Date(5),
			new Map<unknown, unknown>([['a', new Set([1])]]),
			/x/g,
			cycle,
			new Uint8Array([1, 2])
		],
		refused: [() => {}, Symbol('a'), new (class Own {})()],
		broken: ['', '{', '{"a":1}', '[[9]]'],
		isEqual: isDeepStrictEqual
	}
}

describe.for(Object.entries(subjects))('%s', ([, subject]) => {
	test.for(codecConformance)('$name', ({ run }) => run(subject))
})

test('JSON carries every JSON value through a stream', async () => {
	const [survives] = codecConformance.filter(({ name }) => name.includes('leaves as it is'))
	await fc.assert(
		fc.asyncProperty(fc.jsonValue(), (value) =>
			survives!.run({ codec: jsonCodec, samples: [value] })
		)
	)
})

/** Codecs with one mistake each; the suite has to find it. */
const mistaken: [string, Partial<Codec>, string][] = [
	['returns no string', { encode: (value) => [value] as never }, 'writes a string'],
	['loses values', { decode: () => null }, 'gives back an equal value'],
	['keeps the value itself', { encode: keep, decode: () => kept }, 'shares nothing'],
	['lets CR through', { encode: (value) => `${JSON.stringify(value)}\r` }, 'leaves as it is'],
	['carries anything', { encode: String }, 'cannot carry'],
	['reads anything', { decode: () => ({}) }, 'cannot have written'],
	['counts its calls', { encode: count }, 'the same for the same value']
]

let kept: unknown
function keep(value: unknown): string {
	kept = value
	return JSON.stringify(value)
}
let calls = 0
function count(): string {
	return String(calls++)
}

test.for(mistaken)('the suite finds a codec that %s', async ([, mistake, claim]) => {
	const { refused, broken } = subjects.jsonCodec!
	const codec: Codec = { ...jsonCodec, ...mistake }
	const failed: string[] = []
	for (const { name, run } of codecConformance) {
		const outcome = await rejection(run({ codec, samples: [{ a: 1 }, 'b'], refused, broken }))
		if (!outcome.startsWith('nothing')) failed.push(name)
	}
	expect(failed.join()).toContain(claim)
})
