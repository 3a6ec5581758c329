import { Link } from './link.js'
import type { LinkOptions } from './types.js'

/** The links that are up, by what their requests have in common; equal requests share one. */
const live = new Map<string, Link>()

/** The link of this key that is up, or else one that may be brought up: the given one, or a new one. */
export function acquire(
	key: string | undefined,
	spare: Link | undefined,
	options: LinkOptions
): Link {
	const shared = key === undefined ? undefined : live.get(key)
	if (shared) return shared
	const link: Link =
		spare ??
		new Link(options, () => live.forEach((other, key) => other === link && live.delete(key)))
	if (key !== undefined) live.set(key, link)
	return link
}

/** Functions and other values that have no text are told apart by a number. */
const numbers = new WeakMap<object, number>()
let lastNumber = 0

/**
 * What makes two requests equal: everything that the server, or the policy, could tell apart.
 *
 * @param scope a value that has to be the very same; a function that gives the URL, since it may give another later
 */
export function shareKey(options: LinkOptions, scope?: unknown): string {
	const { url, headers, body, init, reconnect, ...plain } = options
	return JSON.stringify(
		[
			url(),
			identity(scope),
			typeof headers === 'function' ? identity(headers) : [...new Headers(headers)].sort(),
			identity(body),
			Object.entries(init).sort(),
			reconnect && { ...reconnect, attempts: String(reconnect.attempts) },
			plain
		],
		(_, value: unknown) => (typeof value === 'function' ? identity(value) : value)
	)
}

function identity(value: unknown): unknown {
	if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return value
	let number = numbers.get(value)
	if (number === undefined) numbers.set(value, (number = ++lastNumber))
	return { '#': number }
}
