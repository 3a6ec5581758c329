import { DEV } from 'esm-env'
import { SseError, toError } from '../errors.js'
import { derive } from '../reactive.svelte.js'

/** Where a stream is: a URL, or a function that gives one; nothing (`null`, `undefined`, an empty text): not yet. */
export type From = string | URL | (() => string | URL | null | undefined)

/** An absolute URL; undefined: not yet; an error: none that can be asked for. */
export type Place = string | undefined | SseError

/** The URL of one handle: resolved once, or followed. */
export class Url {
	/** Whether it is a function. */
	readonly isFollowed: boolean
	readonly #resolve: () => Place
	#place: () => Place

	constructor(from: From) {
		this.isFollowed = typeof from === 'function'
		if (typeof from === 'function') {
			this.#resolve = () => settle(from)
			this.#place = derive(this.#resolve)
		} else {
			const url = absolute(from)
			this.#place = this.#resolve = () => url
		}
	}

	/** The URL now, as reactive state. */
	read(): Place {
		return this.#place()
	}

	/**
	 * Before somebody follows it: the function may read more than state, and what was read in a fork of the page need not be what
	 * holds outside of it. Whoever follows may not change state, which in a fork would never end; so this is another derived.
	 */
	askAnew(): void {
		if (this.isFollowed) this.#place = derive(this.#resolve)
	}
}

function settle(from: () => string | URL | null | undefined): Place {
	try {
		const url = from()
		return url === null || url === undefined || url === '' ? undefined : absolute(url)
	} catch (thrown) {
		if (thrown instanceof SseError) return thrown
		const message = DEV ? `The URL function threw: ${toError(thrown).message}` : 'invalid-url'
		return new SseError('invalid-url', message, { cause: thrown })
	}
}

function absolute(from: string | URL): string {
	try {
		// A worker has no document.
		const base = globalThis.document?.baseURI ?? globalThis.location?.href ?? 'http://localhost'
		return new URL(from, base).href
	} catch (cause) {
		throw new SseError(
			'invalid-url',
			DEV ? `source() needs a URL such as '/events', not '${from}'.` : `${from}`,
			{ cause }
		)
	}
}
