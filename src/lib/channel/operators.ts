import { DEV } from 'esm-env'
import { SseError, toError } from '../errors.js'
import type { JsonFailure, Operator } from './operator.js'

/** The data as it comes from the connection: text, or what a contract has read out of it, be it the reason why not. */
export function plain<T, I>(initial: I): Operator<T | SseError, T, I> {
	return {
		initial: () => initial,
		apply(data) {
			if (data instanceof SseError) throw data
			return { value: data, isEvent: true }
		},
		isLatest: true
	}
}

type Or<U> = (failure: JsonFailure<U>) => U | null

export function json<P, U>(or: Or<U> | undefined): Operator<P, U, U | null> {
	let previous: U | null = null
	return {
		initial() {
			previous = null
			const error = new SseError('parse', DEV ? 'There is no event yet.' : 'parse')
			return or ? or({ error, raw: '', previous }) : null
		},
		apply(data) {
			// A contract's channel has its data parsed already.
			if (typeof data !== 'string') return { value: data as unknown as U, isEvent: true }
			try {
				previous = JSON.parse(data) as U
				return { value: previous, isEvent: true }
			} catch (cause) {
				const error = new SseError(
					'parse',
					(DEV ? 'The data is not JSON: ' : '') + toError(cause).message,
					{
						cause
					}
				)
				const value = or ? or({ error: toError(cause), raw: data, previous }) : null
				return { value, isEvent: false, error }
			}
		},
		isLatest: true
	}
}

export function transform<P, U>(fn: (data: P) => U): Operator<P, U, U | null> {
	return {
		initial: () => null,
		apply: (data) => ({ value: fn(data), isEvent: true }),
		isLatest: true
	}
}

export function filter<T, I>(fn: (data: T) => boolean, initial: I): Operator<T, T, I> {
	return {
		initial: () => initial,
		apply: (data) => (fn(data) ? { value: data, isEvent: true } : undefined),
		isLatest: true
	}
}

export function scan<T, A>(fn: (accumulated: A, data: T) => A, initial: A): Operator<T, A, A> {
	let accumulated = initial
	return {
		initial: () => (accumulated = initial),
		apply: (data) => ({ value: (accumulated = fn(accumulated, data)), isEvent: true }),
		isLatest: false
	}
}
