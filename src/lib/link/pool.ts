import { clock } from '../clock.js'
import type { Link } from './link.js'
import { policyOf } from './retry.js'
import type { LinkOptions } from './types.js'

/**
 * Links that equal requests share: those that are up, and those at rest that may not be asked again yet. A page that
 * mounts the same component twenty times meets one back-off, not twenty.
 */
const links = new Map<string, Link>()

/** The shared link of this key, or one that is made. */
export function acquire(key: string | undefined, make: () => Link): Link {
	sweep()
	const link = (key !== undefined && links.get(key)) || make()
	if (key !== undefined) links.set(key, link)
	return link
}

/** Forgets the links at rest that may be asked again: they would keep what their users have let go. */
export function sweep(): void {
	const now = clock.now()
	for (const [key, { isLive, restsUntil }] of links)
		if (!isLive && restsUntil <= now) links.delete(key)
}

/** The link of this key, if it is up. */
export function peek(key: string): Link | undefined {
	const link = links.get(key)
	return link?.isLive ? link : undefined
}

/** Functions and other values that have no text are told apart by a number. */
const numbers = new WeakMap<object, number>()
let lastNumber = 0

/** The settings of `fetch` that say nothing, since it would do the same without them. */
const fetchDefaults: RequestInit = {
	credentials: 'same-origin',
	mode: 'cors',
	redirect: 'follow',
	cache: 'no-store',
	keepalive: false,
	integrity: '',
	priority: 'auto',
	referrer: 'about:client',
	referrerPolicy: ''
}

/**
 * What makes two requests equal: everything that the server, or the policy, could tell apart.
 *
 * @param key stands in for the identity of functions; undefined: only the very same function is equal
 */
export function shareKey(options: LinkOptions, key: string | undefined): string {
	const { url, headers, body, init, reconnect, fetch, events, ...plain } = options
	const identify = (value: unknown): unknown =>
		typeof value === 'function' && key !== undefined ? { '#key': key } : identity(value)
	const settings = Object.entries(init).filter(
		([name, value]) =>
			value !== undefined && value !== fetchDefaults[name as keyof typeof fetchDefaults]
	)
	return JSON.stringify(
		[
			// [spec] Fetch, 2.2.5: the fragment is not sent.
			url.split('#')[0],
			typeof headers === 'function' ? identify(headers) : settled(headers),
			// Two of the same text are the same request; what type it has must not get lost.
			body instanceof URLSearchParams ? { form: `${body}` } : identify(body),
			settings.sort(),
			reconnect && policyOf(reconnect),
			fetch === globalThis.fetch ? undefined : identify(fetch),
			// Clients of one version can share; that is all that tells two contracts apart here.
			events?.version,
			events?.since,
			plain
		],
		(_, value: unknown) => (typeof value === 'function' ? identify(value) : value)
	)
}

/** Those that cannot be sent are equal to none: the request says what is wrong. */
function settled(headers: HeadersInit | undefined): unknown {
	try {
		return [...new Headers(headers)]
	} catch {
		return identity(headers)
	}
}

function identity(value: unknown): unknown {
	if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return value
	let number = numbers.get(value)
	if (number === undefined) numbers.set(value, (number = ++lastNumber))
	return { '#': number }
}
