import { invalid } from '../parts/check.js'
import type { Contract } from './types.js'
import type { Refusal } from './version.js'
import type { Write } from './writer.js'

/** What the library asks of a contract, and users do not. */
export interface Internals {
	/** An `encode` that waits for asynchronous schemas. */
	readonly write: Write
	/** Makes a `write` that keeps the order of its calls. */
	writer(): Write
	/** Why a stream of that version cannot be read; undefined if it can. */
	refuse(announced: string | undefined): Refusal | undefined
}

/**
 * Where a contract keeps them: a name, not a symbol of this module, since a page and a package may each have a copy of it
 * and share a contract.
 */
const key = '~internals'

type Holder = { readonly [key]?: Internals }

/** Makes a contract of an object. */
export function attachInternals<S>(contract: Contract<S>, internals: Internals): Contract<S> {
	return Object.defineProperty(contract, key, { value: internals })
}

/** The inner side of a contract; undefined without one. */
export function internalsOf(contract: Contract<unknown>): Internals
export function internalsOf(contract: Contract<unknown> | undefined): Internals | undefined
export function internalsOf(contract: unknown): Internals | undefined {
	return (contract as Holder | null | undefined)?.[key]
}

/** Whether `defineEvents` made it. */
export function isContract(value: unknown): value is Contract<unknown> {
	return internalsOf(value as Contract<unknown> | undefined) !== undefined
}

/** @throws {SseError} `invalid-argument` for what is no contract, such as the events of one. */
export function checkContract(events: unknown): void {
	if (events && !isContract(events))
		throw invalid('`events`', 'a contract, which defineEvents() makes', events)
}
