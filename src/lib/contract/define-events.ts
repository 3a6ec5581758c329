import { environment } from '../environment.js'
import { SseError } from '../errors.js'
import { invalid } from '../parts/check.js'
import { decodeWith, encodeWith, jsonCodec, type Codec } from './codec.js'
import { attachInternals } from './internals.js'
import { createLookup, type EventName } from './names.js'
import {
	checkOptions,
	type Definitions,
	type EventsOptions,
	type IsSame,
	type Validate
} from './options.js'
import { check, isPromise } from './schema.js'
import type { Contract, Schema } from './types.js'
import { refuse } from './version.js'
import { createWriter } from './writer.js'

/**
 * The events of a contract, as `Hub` and `Emit` take them.
 *
 * @example
 * ```ts
 * import { defineEvents, typed, type Emit, type EventsOf } from 'sveltekit-sse'
 *
 * const feed = defineEvents({ tick: typed<number>() })
 * const start = (emit: Emit<EventsOf<typeof feed>>) => emit('tick', 1)
 * ```
 */
export type EventsOf<C> = C extends Contract<infer S> ? S : never

/** A plain type where a schema does not change it. */
export type Payload<E> =
	E extends Schema<infer I, infer O> ? (IsSame<I, O> extends true ? O : Schema<I, O>) : never

/**
 * Says which events a stream carries, once for the server, the client, their tests and the editor.
 *
 * @param events a schema for each event's name: of any library that follows Standard Schema, or `typed<T>()` for a type
 * alone. A name may be a pattern: `'order:${string}'` stands for every name that begins with `order:`.
 * @param options see {@link EventsOptions}.
 * @throws {SseError} `invalid-argument` for a name that no stream can carry, or an option of the wrong type.
 *
 * @example
 * ```ts
 * // src/lib/feed.ts
 * import { defineEvents, typed } from 'sveltekit-sse'
 * import * as v from 'valibot'
 *
 * export const feed = defineEvents({
 * 	order: v.object({ id: v.string(), total: v.number() }),
 * 	tick: typed<number>()
 * })
 * ```
 */
export function defineEvents<D extends Definitions>(
	events: D,
	options: EventsOptions<NoInfer<D>> = {}
): Contract<{ [K in keyof D as EventName<K>]: Payload<D[K]> }> {
	if (typeof events !== 'object' || events === null)
		throw invalid('The events', 'an object such as { tick: typed<number>() }', events)
	checkOptions(events, options)
	const {
		codec = jsonCodec,
		codecs = {} as Record<string, Codec>,
		version,
		since = version
	} = options
	// A map, since an event may be called `constructor`.
	const own = new Map(Object.entries(codecs))
	const lookup = createLookup(events)
	const side = (name: 'server' | 'client'): boolean => {
		const { validate = 'both' } = options as { validate?: Validate }
		return validate === 'development'
			? environment.isDevelopment
			: validate === 'both' || validate === name
	}
	const find = (name: string): { schema: Schema; codec: Codec } => {
		const found = lookup(name)
		if (!found) throw unknown(name)
		return { schema: found.schema, codec: own.get(found.key) ?? codec }
	}
	/** The text, or a promise of it. */
	function write(name: string, data: unknown): string | Promise<string> {
		const { schema, codec } = find(name)
		if (!side('server')) return encodeWith(codec, name, data)
		const what = `The data of '${name}'`
		const checked = check(schema, data, what, 'Nothing was sent.')
		// The value as the schema wants it goes to a client that has a schema of its own; to others, what came of it.
		const choose = (output: unknown): unknown => (side('client') ? data : output)
		return isPromise(checked)
			? checked.then((output) => encodeWith(codec, name, choose(output)))
			: encodeWith(codec, name, choose(checked))
	}
	function decode(name: string, text: string): unknown {
		const { schema, codec } = find(name)
		const value = decodeWith(codec, name, text)
		if (!side('client')) return value
		return check(schema, value, `The event '${name}'`, 'It was not delivered.')
	}
	const contract: Contract<{ [K in keyof D as EventName<K>]: Payload<D[K]> }> = {
		names: Object.keys(events),
		version,
		since,
		has: (name) => lookup(name) !== undefined,
		encode(name, data) {
			const written = write(name, data)
			if (!isPromise(written)) return written
			// Somebody has to hear of its end; what it says does not matter any more.
			written.catch(() => {})
			throw asynchronous(name)
		},
		decode
	}
	return attachInternals(contract, {
		write,
		writer: () => createWriter(write),
		refuse: (announced) => refuse({ version, since }, announced)
	})
}

function unknown(name: string): SseError {
	return new SseError(
		'invalid-argument',
		`The contract has no event '${name}'; add it to defineEvents(), or correct the name.`
	)
}

function asynchronous(name: string): SseError {
	return new SseError(
		'validation',
		`The schema of '${name}' is asynchronous, and emit() answers at once. Nothing was sent; ` +
			"validate on the client ({ validate: 'client' }), yield it from an async iterable, or publish it through a hub."
	)
}
