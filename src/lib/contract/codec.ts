import { SseError, toError } from '../errors.js'
import { describe } from '../parts/check.js'

/**
 * How values become the text of events, and come back from it. Write your own for a format that is not here; the
 * suite `codecConformance` (`sveltekit-sse/testing`) checks it.
 *
 * - `encode` MUST return a string, and the same one for the same value: an event is encoded once for many clients.
 * - `encode` MUST throw for a value that it cannot carry, rather than carry something else.
 * - `decode(encode(value))` MUST give an equal value, and MUST NOT give one that shares objects with the first.
 * - The text MUST be one that an event stream leaves as it is: without CR, which arrives as LF, and without unpaired
 *   surrogates, which arrive as U+FFFD. JSON, which escapes them, is safe. (`textCodec` accepts both, and says so.)
 * - `decode` MUST throw for text that `encode` cannot have written. Text comes from the network: `decode` MUST NOT run
 *   it, and SHOULD cost no more than its length.
 * - Neither MUST keep anything from one call to the next.
 */
export interface Codec {
	/** What it is called in error messages. */
	readonly name: string
	/** The text of a value; throws for one that it cannot carry. */
	encode(value: unknown): string
	/** The value of a text; throws for one that `encode` cannot have written. */
	decode(text: string): unknown
}

/**
 * Values as JSON: what a contract uses unless it is told otherwise. Dates become text, and `undefined`, functions and
 * symbols are left out, as `JSON.stringify` has it.
 *
 * @example
 * ```ts
 * import { defineEvents, jsonCodec, textCodec, typed } from 'sveltekit-sse'
 *
 * const events = { token: typed<string>(), usage: typed<{ tokens: number }>() }
 * export const chat = defineEvents(events, { codec: textCodec, codecs: { usage: jsonCodec } })
 * ```
 */
export const jsonCodec: Codec = {
	name: 'JSON',
	encode(value) {
		const text: string | undefined = JSON.stringify(value)
		if (text === undefined) throw new TypeError(`JSON has no word for ${describe(value)}`)
		return text
	},
	decode: (text) => JSON.parse(text) as unknown
}

/**
 * Strings as they are, so that any reader of the stream understands them. CR and CRLF arrive as LF. If a value is no
 * string, it throws.
 *
 * @example
 * ```ts
 * import { defineEvents, textCodec, typed } from 'sveltekit-sse'
 *
 * export const chat = defineEvents({ token: typed<string>() }, { codec: textCodec })
 * ```
 */
export const textCodec: Codec = {
	name: 'text',
	encode(value) {
		if (typeof value !== 'string')
			throw new TypeError(`text carries strings, not ${describe(value)}`)
		return value
	},
	decode: (text) => text
}

/** @throws {SseError} `serialize` when the codec cannot write the value. */
export function encodeWith(codec: Codec, name: string, data: unknown): string {
	try {
		return codec.encode(data)
	} catch (thrown) {
		throw new SseError(
			'serialize',
			`The data of '${name}' cannot be written as ${codec.name}: ${toError(thrown).message}. ` +
				'Nothing was sent; pass a plainer value, or give the contract another codec.',
			{ cause: thrown }
		)
	}
}

/** @throws {SseError} `parse` when the codec cannot read the text. */
export function decodeWith(codec: Codec, name: string, text: string): unknown {
	try {
		return codec.decode(text)
	} catch (thrown) {
		throw new SseError(
			'parse',
			`The event '${name}' is not ${codec.name}: ${toError(thrown).message}. ` +
				'Use the same contract on both sides, or the codec that the server writes.',
			{ cause: thrown }
		)
	}
}
