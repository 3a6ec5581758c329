import { invalid } from '../parts/check.js'
import type { Codec } from './codec.js'
import type { Schema } from './types.js'

/** The events of a contract: a schema for each name. */
export type Definitions = Readonly<Record<string, Schema>>

export type IsSame<I, O> = [I] extends [O] ? ([O] extends [I] ? true : false) : false

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

/** Refuses options that could only fail later, and says what to write instead. */
export function checkOptions(events: Definitions, options: EventsOptions): void {
	const { validate, codec, codecs = {}, version, since } = options
	if (validate !== undefined && !['both', 'server', 'client', 'development'].includes(validate))
		throw invalid('`validate`', "'both', 'server', 'client' or 'development'", validate)
	for (const one of [codec, ...Object.values(codecs)])
		if (one !== undefined && typeof one?.encode !== 'function')
			throw invalid('A codec', 'an object with encode() and decode(), such as textCodec', one)
	const stray = Object.keys(codecs).find((name) => !(name in events))
	if (stray !== undefined)
		throw invalid('A key of `codecs`', 'the name of one of the events', stray)
	for (const [name, value] of Object.entries({ version, since }))
		if (value !== undefined && !(Number.isSafeInteger(value) && value >= 0))
			throw invalid(`\`${name}\``, 'a whole number, 0 or more', value)
	if (since !== undefined && (version === undefined || since > version))
		throw invalid('`since`', 'at most the `version`, which has to be there too', since)
}
