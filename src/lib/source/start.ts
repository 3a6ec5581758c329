import { untrack } from 'svelte'
import type { LinkOptions } from '../link/types.js'
import { report } from '../parts/report.js'
import type { ConnectionConfig } from './config.js'

/** What a handle starts with at a URL: values that are shown before the first event, and the id to resume from. */
export class Start {
	readonly #config: Pick<ConnectionConfig, 'initial' | 'lastEventId' | 'events' | 'link'>
	/** The URL that plain values are for: they say nothing of another. */
	#first: string | undefined
	/** The last id that a function gave: it is asked once for each URL. */
	#last: { url: string | undefined; id: string | undefined } | undefined

	constructor(config: ConnectionConfig) {
		this.#config = config
	}

	/** The first URL is known. */
	settle(url: string): void {
		this.#first = url
	}

	lastEventId(url: string | undefined): string | undefined {
		if (this.#last?.url !== url || !this.#last)
			this.#last = { url, id: this.#at(url, this.#config.lastEventId) ?? undefined }
		return this.#last.id
	}

	/** What a link to this URL starts with. */
	link(url: string): LinkOptions {
		return { ...this.#config.link, url, lastEventId: this.lastEventId(url) }
	}

	value(name: string, url: string | undefined): unknown {
		const { initial, events } = this.#config
		const values = this.#at(url, initial)
		const value = values && Object.hasOwn(values, name) ? values[name] : undefined
		// Without a contract a channel is text.
		return value === undefined && !events ? '' : value
	}

	#at<V>(
		url: string | undefined,
		start: V | ((url: string) => V | undefined) | undefined
	): V | undefined {
		if (typeof start === 'function') {
			const make = start as (url: string) => V | undefined
			return url === undefined ? undefined : untrack(() => attempt(make, url))
		}
		return url === (this.#first ?? url) ? start : undefined
	}
}

/** What users pass in may throw: then there is nothing to start with. */
function attempt<V>(make: (url: string) => V, url: string): V | undefined {
	try {
		return make(url)
	} catch (thrown) {
		report(thrown)
		return undefined
	}
}
