/**
 * A codec for dates, maps, sets, bigint, cycles, and classes of your own.
 *
 * @module sveltekit-sse/devalue
 */

import { parse, stringify } from 'devalue'
import type { Codec } from './codec.js'

/** What SvelteKit's `transport` hook is made of. */
export interface Transporter {
	/** Something truthy for a value of its own, anything else for others. */
	// eslint-disable-next-line @typescript-eslint/no-explicit-any
	encode: (value: any) => any
	/** Makes the value again of what `encode` gave. */
	// eslint-disable-next-line @typescript-eslint/no-explicit-any
	decode: (data: any) => any
}

/**
 * A codec for what JSON cannot carry: dates, maps, sets, bigint, typed arrays, `undefined`, cycles, and classes of your
 * own. It needs the package `devalue`, which SvelteKit brings along.
 *
 * @param transport how classes of your own are carried: the `transport` of `src/hooks.ts` as it is.
 *
 * @example
 * ```ts
 * import { defineEvents, typed } from 'sveltekit-sse'
 * import { devalueCodec } from 'sveltekit-sse/devalue'
 *
 * export const feed = defineEvents({ seen: typed<Map<string, Date>>() }, { codec: devalueCodec() })
 * ```
 */
export function devalueCodec(transport: Record<string, Transporter> = {}): Codec {
	const entries = Object.entries(transport)
	const reducers = Object.fromEntries(entries.map(([name, { encode }]) => [name, encode]))
	const revivers = Object.fromEntries(entries.map(([name, { decode }]) => [name, decode]))
	return {
		name: 'devalue',
		encode: (value) => stringify(value, reducers),
		decode: (text) => parse(text, revivers) as unknown
	}
}
