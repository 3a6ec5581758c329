import { internalsOf } from '../contract/internals.js'
import type { Contract } from '../contract/types.js'
import { SseError, toError } from '../errors.js'
import { describe } from '../parts/check.js'
import { encodeEvent } from '../wire/encode.js'
import { endedError, type EventStream } from './stream.js'
import type { Emit, EmitOptions, Unsafe } from './types.js'

const ok: Unsafe<void> = Object.freeze({ value: undefined, error: false })

/** The `emit` of one stream: encodes and writes, and turns whatever fails into a returned error. */
export function createEmit<S>(stream: EventStream, contract: Contract<S> | undefined): Emit<S> {
	return function emit(name: string, data: unknown, options?: EmitOptions): Unsafe<void> {
		try {
			// Before the data is written as text: a loop that goes on after the end should cost next to nothing.
			if (stream.reason) return failed(endedError(stream.reason))
			const text = contract ? contract.encode(name, data) : serialize(name, data)
			return send(stream, name, text, options)
		} catch (thrown) {
			return failed(toError(thrown))
		}
	}
}

/** As `emit`, for who can wait: then a schema may be asynchronous. */
export function createPacedEmit<S>(
	stream: EventStream,
	contract: Contract<S>
): (name: string, data: unknown, options?: EmitOptions) => Promise<Unsafe<void>> {
	const write = internalsOf(contract).writer()
	return async (name, data, options) => {
		try {
			return send(stream, name, await write(name, data), options)
		} catch (thrown) {
			return failed(toError(thrown))
		}
	}
}

function send(
	stream: EventStream,
	name: string,
	text: string,
	options: EmitOptions | undefined
): Unsafe<void> {
	const refused = stream.write(encodeEvent(name, text, options?.id, options?.retry))
	return refused ? failed(refused) : ok
}

/** A string as it is, anything else as JSON. */
export function serialize(name: string, data: unknown): string {
	if (typeof data === 'string') return data
	let text: string | undefined
	let cause: unknown
	try {
		text = JSON.stringify(data)
	} catch (thrown) {
		cause = thrown
	}
	if (text !== undefined) return text
	throw new SseError(
		'serialize',
		`The data of '${String(name)}' cannot be written as JSON (${cause ? toError(cause).message : describe(data)}). ` +
			'Emit a string or a plain value, or use a contract with a codec.',
		{ cause }
	)
}

function failed(error: Error): Unsafe<void> {
	return { value: undefined, error }
}
