import { SseError, toError } from '../errors.js'
import type { Schema, SchemaIssue, SchemaResult } from './types.js'

const unchecked: Schema = {
	'~standard': { version: 1, vendor: 'sveltekit-sse', validate: (value) => ({ value }) }
}

/**
 * A type alone, without a check: nothing of it runs. The compiler holds you to it on both sides, but a value of another
 * type that comes at run time goes through.
 *
 * @example
 * ```ts
 * import { defineEvents, typed } from 'sveltekit-sse'
 *
 * export const feed = defineEvents({ tick: typed<number>(), notice: typed<{ title: string }>() })
 * ```
 */
export function typed<T>(): Schema<T, T> {
	return unchecked as Schema<T, T>
}

/**
 * What the schema makes of a value, or a promise of it.
 *
 * @param what begins the message of the error, as in "The data of 'order'"
 * @param remedy ends it
 * @throws {SseError} `validation`, with the issues as its cause
 */
export function check(schema: Schema, value: unknown, what: string, remedy: string): unknown {
	if (schema === unchecked) return value
	const settle = (result: SchemaResult<unknown>): unknown => {
		if (!result.issues) return (result as { value: unknown }).value
		const message = `${what} does not fit its schema${list(result.issues)}. ${remedy}`
		throw new SseError('validation', message, { cause: result.issues })
	}
	const fail = (thrown: unknown): never => {
		const message = `The schema that checks ${lowerFirst(what)} threw: ${toError(thrown).message}`
		throw new SseError('validation', message, { cause: thrown })
	}
	let result: SchemaResult<unknown> | Promise<SchemaResult<unknown>>
	try {
		result = schema['~standard'].validate(value)
	} catch (thrown) {
		return fail(thrown)
	}
	return isPromise(result) ? result.then(settle, fail) : settle(result)
}

export function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
	return typeof (value as Promise<T> | undefined)?.then === 'function'
}

/** Issues that are told; the first says the most. */
const maxIssues = 3

function list(issues: readonly SchemaIssue[]): string {
	const told = issues.slice(0, maxIssues).map(({ message, path }) => {
		const what = message.trim().replace(/\.$/, '')
		return path?.length ? `at ${place(path)}: ${what}` : what
	})
	const rest = issues.length - told.length
	return `${issues[0]?.path?.length ? ' ' : ': '}${told.join('; ')}${rest > 0 ? `; and ${rest} more` : ''}`
}

/** As one would write it in code: `items[0].price`. */
function place(path: NonNullable<SchemaIssue['path']>): string {
	const steps = path.map((step) => {
		const key = typeof step === 'object' ? step.key : step
		if (typeof key === 'number' || /^\d+$/.test(String(key))) return `[${String(key)}]`
		return /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(String(key))
			? `.${String(key)}`
			: `[${JSON.stringify(String(key))}]`
	})
	return steps.join('').replace(/^\./, '')
}

function lowerFirst(text: string): string {
	return text.charAt(0).toLowerCase() + text.slice(1)
}
