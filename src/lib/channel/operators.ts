import { DEV } from 'esm-env'
import { SseError, toError } from '../errors.js'
import { skipped, Unmade, type JsonFailure, type Operator } from './operator.js'

/** The data as it comes from the connection: text, or the value that a contract has read; an error, where it could not. */
export function plain<T, I>(initial: (url: string | undefined) => I): Operator<T | SseError, T, I> {
	return {
		initial,
		apply(data) {
			if (data instanceof SseError) throw data
			return data
		},
		isLatest: true
	}
}

type Or<U> = (failure: JsonFailure<U>) => U | null

export function json<P, U>(or: Or<U> | undefined): Operator<P, U, U | null> {
	let previous: U | null = null
	return {
		initial() {
			const error = new SseError('parse', DEV ? 'There is no event yet.' : 'parse')
			return or ? or({ error, raw: '', previous: null }) : null
		},
		apply(data) {
			// A contract has parsed it already.
			if (typeof data !== 'string') return data as unknown as U
			try {
				return (previous = JSON.parse(data) as U)
			} catch (thrown) {
				const cause = toError(thrown)
				const message = (DEV ? 'The data is not JSON: ' : '') + cause.message
				const value = or ? or({ error: cause, raw: data, previous }) : null
				return new Unmade({ value }, new SseError('parse', message, { cause }))
			}
		},
		reset: () => (previous = null),
		isLatest: true
	}
}

export function transform<P, U>(fn: (data: P) => U): Operator<P, U, U | null> {
	return { initial: () => null, apply: fn, isLatest: true }
}

export function filter<T, I>(
	fn: (data: T) => boolean,
	initial: (url: string | undefined) => I
): Operator<T, T, I> {
	return { initial, apply: (data) => (fn(data) ? data : skipped), isLatest: true }
}

/** Whether `scan` starts over with a stream that did not resume. */
export interface ScanOptions {
	/**
	 * Whether the value starts over from `initial` when the connection comes back with a stream that did not resume. Use it for
	 * a server that sends its whole state at each connect.
	 * @default false
	 */
	restart?: boolean | undefined
}

export function scan<T, A>(
	fn: (accumulated: A, data: T) => A,
	initial: A,
	{ restart }: ScanOptions = {}
): Operator<T, A, A> {
	// `fn` may change what it is given, and the value that it starts with is the user's.
	let accumulated = copy(initial)
	return {
		initial: () => initial,
		apply: (data) => (accumulated = fn(accumulated, data)),
		reset: () => (accumulated = copy(initial)),
		isLatest: false,
		restarts: restart
	}
}

/** A copy of what can be changed in place; of an object of a class, nobody knows how to make one. */
function copy<A>(value: A): A {
	const copies = new Map<unknown, unknown>()
	const copyOf = (value: unknown): unknown => {
		if (typeof value !== 'object' || value === null) return value
		if (copies.has(value)) return copies.get(value)
		const keep = <T>(made: T): T => (copies.set(value, made), made)
		const prototype: unknown = Object.getPrototypeOf(value)
		if (prototype === Date.prototype) return keep(new Date(value as Date))
		if (ArrayBuffer.isView(value)) return keep(structuredClone(value))
		if (prototype === Array.prototype) {
			const items = keep([] as unknown[])
			for (const item of value as unknown[]) items.push(copyOf(item))
			return items
		}
		if (prototype === Map.prototype) {
			const entries = keep(new Map())
			for (const [key, item] of value as Map<unknown, unknown>) entries.set(key, copyOf(item))
			return entries
		}
		if (prototype === Set.prototype) {
			const items = keep(new Set())
			for (const item of value as Set<unknown>) items.add(copyOf(item))
			return items
		}
		if (prototype !== Object.prototype && prototype !== null) return value
		const record = keep(Object.create(prototype) as Record<string, unknown>)
		for (const [key, item] of Object.entries(value)) record[key] = copyOf(item)
		return record
	}
	return copyOf(value) as A
}
