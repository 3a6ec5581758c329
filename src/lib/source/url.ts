import { DEV } from 'esm-env'
import { untrack } from 'svelte'
import { SseError, toError } from '../errors.js'
import { Cell, derive } from '../reactive.svelte.js'

/** Where a stream is: a URL, or a function that gives one; nothing (`null`, `undefined`, an empty text): not yet. */
export type From = string | URL | (() => string | URL | null | undefined)

/** An absolute URL; undefined: not yet; an error: none that can be asked for. */
export type Place = string | undefined | SseError

/** The URL of one handle: resolved once, or followed. */
export class Url {
	/** Whether it is a function. */
	readonly isFollowed: boolean
	/** The URL now, as reactive state. */
	readonly read: () => Place
	/** The URL now, found anew. */
	readonly #resolve: () => Place
	readonly #asked = new Cell(0)
	/**
	 * Whether nobody has followed it so far, or for a time: a function may read more than state, and what was read in a fork of
	 * the page need not be what holds outside of it.
	 */
	#isStale = true

	constructor(from: From) {
		this.isFollowed = typeof from === 'function'
		if (typeof from === 'function') {
			this.#resolve = () => settle(from)
			this.read = derive(() => {
				void this.#asked.value
				return this.#resolve()
			})
		} else {
			const url = absolute(from)
			this.read = this.#resolve = () => url
		}
	}

	/** Nobody follows it any more. */
	rest(): void {
		this.#isStale = true
	}

	/** The URL now, for one look at it, which may be that of a fork and leaves no trace. */
	peek(): Place {
		return untrack(this.#isStale ? this.#resolve : this.read)
	}

	/** The URL now, for those who follow it from here on; a function is asked again after a rest. */
	refresh(): Place {
		if (this.#isStale) this.#asked.touch()
		this.#isStale = false
		return untrack(this.read)
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
