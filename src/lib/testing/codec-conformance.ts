import type { Codec } from '../contract/codec.js'
import { decode } from '../link/decode.js'
import { encodeEvent } from '../wire/encode.js'
import { expect } from './conformance/recorder.js'

/** What the suite needs to know of a codec to test it. */
export interface CodecUnderTest {
	/** The codec. */
	codec: Codec
	/** Values that it carries: of every kind, nested and empty ones too. */
	samples: readonly unknown[]
	/** Values that it cannot carry. */
	refused?: readonly unknown[] | undefined
	/** Texts that it cannot have written. */
	broken?: readonly string[] | undefined
	/**
	 * Whether a value is the same as the one that was encoded.
	 * @default both are encoded as the same text
	 */
	isEqual?: ((decoded: unknown, value: unknown) => boolean) | undefined
}

/** One claim about codecs. */
export interface CodecCase {
	/** A claim in the present tense. */
	readonly name: string
	/** Resolves if the claim holds; rejects with what was seen instead. */
	run(subject: CodecUnderTest): Promise<void>
}

/**
 * One case for each sentence of the contract of a `Codec` that can be checked. Needs no test runner: each case is a name
 * and an async function.
 *
 * @example
 * ```ts
 * import { jsonCodec } from 'sveltekit-sse'
 * import { codecConformance } from 'sveltekit-sse/testing'
 * import { expect, test } from 'vitest'
 *
 * const subject = { codec: jsonCodec, samples: [null, 'text', { a: [1] }], broken: ['{'] }
 * for (const one of codecConformance)
 * 	test(one.name, () => expect(one.run(subject)).resolves.toBeUndefined())
 * ```
 */
export const codecConformance: readonly CodecCase[] = [
	define('writes a string, the same for the same value', ({ codec, samples }) => {
		for (const value of samples) {
			const text = codec.encode(value)
			expect(typeof text === 'string', 'encode() must return a string', text)
			expect(codec.encode(value) === text, 'encode() must be repeatable', value)
		}
	}),
	define('gives back an equal value', ({ codec, samples, isEqual }) => {
		const same = isEqual ?? ((one, other) => codec.encode(one) === codec.encode(other))
		for (const value of samples)
			expect(same(codec.decode(codec.encode(value)), value), 'must come back as it was', value)
	}),
	define('shares nothing between the value and what it gives back', ({ codec, samples }) => {
		for (const value of samples.filter(isObject)) {
			const text = codec.encode(value)
			const decoded = codec.decode(text)
			expect(decoded !== value, 'must give a value of its own', value)
			expect(codec.decode(text) !== decoded, 'must give a new value each time', value)
		}
	}),
	define('writes text that an event stream leaves as it is', async ({ codec, samples }) => {
		for (const value of samples) {
			const text = codec.encode(value)
			const received = await transmit(text)
			expect(received === text, 'the text must survive the stream', { text, received })
		}
	}),
	define('throws for what it cannot carry', ({ codec, refused = [] }) => {
		for (const value of refused)
			expect(
				throws(() => codec.encode(value)),
				'encode() must throw',
				value
			)
	}),
	define('throws for text that it cannot have written', ({ codec, broken = [] }) => {
		for (const text of broken)
			expect(
				throws(() => codec.decode(text)),
				'decode() must throw',
				text
			)
	}),
	define('keeps nothing from one call to the next', ({ codec, samples, refused = [] }) => {
		const texts = samples.map((value) => codec.encode(value))
		for (const value of refused) throws(() => codec.encode(value))
		const backwards = [...samples].reverse().map((value) => codec.encode(value))
		expect(
			texts.every((text, index) => text === backwards[texts.length - 1 - index]),
			'the order of calls must not matter',
			{ texts, backwards }
		)
	})
]

function define(name: string, run: (subject: CodecUnderTest) => void | Promise<void>): CodecCase {
	return { name, run: async (subject) => run(subject) }
}

/** The text as it comes out of a stream at the other end. */
async function transmit(text: string): Promise<string | undefined> {
	const bytes = new TextEncoder().encode(encodeEvent('sample', text))
	const body = new ReadableStream<Uint8Array>({
		start(controller) {
			controller.enqueue(bytes)
			controller.close()
		}
	})
	let received: string | undefined
	const ignore = (): void => {}
	await decode(
		body,
		{
			event: (_, data) => (received = data),
			id: ignore,
			retry: ignore,
			control: ignore,
			bytes: ignore,
			parsed: ignore
		},
		new AbortController().signal
	)
	return received
}

function isObject(value: unknown): boolean {
	return typeof value === 'object' && value !== null
}

function throws(run: () => unknown): boolean {
	try {
		run()
		return false
	} catch {
		return true
	}
}
