import { environment } from '../environment.js'
import { SseError } from '../errors.js'
import { checkOptions, invalid } from './check-options.js'
import { decodeWith, encodeWith, jsonCodec, type Codec } from './codec.js'
import { createLookup, type EventName } from './names.js'
import { createReader } from './reader.js'
import { check, isPromise } from './schema.js'
import type { Contract, Schema } from './types.js'
import { refuse } from './version.js'
import { createWriter } from './writer.js'

/** The events of a contract: a schema for each name. */
export type Definitions = Readonly<Record<string, Schema>>

/**
 * The events of a contract, as `Hub` and `Emit` take them.
 *
 * @example
 * ```ts
 * import { defineEvents, type, type Emit, type EventsOf } from 'sveltekit-sse'
 *
 * const feed = defineEvents({ tick: type<number>() })
 * const start = (emit: Emit<EventsOf<typeof feed>>) => emit('tick', 1)
 * ```
 */
export type EventsOf<C> = C extends Contract<infer S> ? S : never

/** A plain type where a schema does not change it. */
export type Payload<E> =
	E extends Schema<infer I, infer O> ? (IsSame<I, O> extends true ? O : Schema<I, O>) : never

type IsSame<I, O> = [I] extends [O] ? ([O] extends [I] ? true : false) : false

/** The events whose schema makes something else of a value. */
type Changed<D extends Definitions> = {
	[K in keyof D]: D[K] extends Schema<infer I, infer O>
		? IsSame<I, O> extends true
			? never
			: K
		: never
}[keyof D]

/** Where schemas run. */
export type Validate = 'both' | 'server' | 'client' | 'development'

/** Where schemas run, how values travel, and which versions get on. */
export interface EventsOptions<D extends Definitions = Definitions> {
	/**
	 * Where schemas run. `both`: on the server as a check, so that a mistake shows where it is made, and on the client,
	 * where transforms belong. `client`: there only; needed if `emit` is to send events with asynchronous schemas.
	 * `server`: there only; what the schema made of the value is sent, so properties that it strips do not leave the
	 * server. `development`: as `both`, and nowhere in production. Schemas that transform run on the client.
	 * @default 'both'
	 */
	validate?: ([Changed<D>] extends [never] ? Validate : 'both' | 'client') | undefined
	/** How values become text. @default jsonCodec */
	codec?: Codec | undefined
	/** How the values of single events become text; of the others, as `codec` says. */
	codecs?: { readonly [K in keyof D]?: Codec | undefined } | undefined
	/**
	 * The version of the contract, a whole number; raise it with a change that clients of the version before cannot
	 * take. A client that meets a version that it does not understand is told, instead of failing at random.
	 * @default none; nothing is compared
	 */
	version?: number | undefined
	/** The oldest version that this one understands, and that understands this one. @default version */
	since?: number | undefined
}

/**
 * Says which events a stream carries, once for the server, the client, their tests and the editor.
 *
 * @param events a schema for each event's name: of any library that follows Standard Schema, or `type<T>()` for a type
 * alone. A name may be a pattern: `'order:${string}'` stands for every name that begins with `order:`.
 * @param options see {@link EventsOptions}.
 * @throws {SseError} `invalid-argument` for a name that no stream can carry, or an option of the wrong type.
 *
 * @example
 * ```ts
 * // src/lib/feed.ts
 * import { defineEvents, type } from 'sveltekit-sse'
 * import * as v from 'valibot'
 *
 * export const feed = defineEvents({
 * 	order: v.object({ id: v.string(), total: v.number() }),
 * 	tick: type<number>()
 * })
 * ```
 */
export function defineEvents<D extends Definitions>(
	events: D,
	options: EventsOptions<NoInfer<D>> = {}
): Contract<{ [K in keyof D as EventName<K>]: Payload<D[K]> }> {
	if (typeof events !== 'object' || events === null)
		throw invalid('the events', 'an object such as { tick: type<number>() }')
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
	return {
		names: Object.keys(events),
		version,
		since,
		toJSON: () => (version === undefined ? undefined : [version, since]),
		has: (name) => lookup(name) !== undefined,
		encode(name, data) {
			const written = write(name, data)
			if (!isPromise(written)) return written
			// Somebody has to hear of its end; what it says does not matter any more.
			written.catch(() => {})
			throw asynchronous(name)
		},
		decode,
		writer: () => createWriter(write),
		reader: () => createReader(decode),
		refuse: (announced) => refuse({ version, since }, announced)
	}
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
