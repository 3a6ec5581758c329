// The clients that are measured in a browser, behind one interface. Each is given the response that it asks for.

import { createParser } from 'eventsource-parser'
import { fromStore } from 'svelte/store'
import { source } from 'sveltekit-sse'
import { source as older } from 'sveltekit-sse-0.14'

/**
 * @typedef {object} Client
 * @property {(listener: (data: string) => void, name?: string) => () => void} listen
 * @property {() => string} value the latest, as reactive state
 */

/** @type {Record<string, (response: Response) => Client>} */
export const clients = {
	ours(response) {
		const connection = source('/stream', { cache: false, fetch: async () => response })
		const channel = connection.select('message')
		return {
			listen: (listener, name = 'message') => connection.select(name).on(listener),
			value: () => channel.current
		}
	},

	'sveltekit-sse-0.14'(response) {
		const { fetch } = window
		window.fetch = async (...request) => {
			window.fetch = fetch
			return String(request[0]).endsWith('/stream') ? response : fetch(...request)
		}
		const connection = older('/stream', { cache: false })
		const latest = fromStore(connection.select('message'))
		return {
			listen: (listener, name = 'message') => connection.select(name).subscribe(listener),
			value: () => latest.current
		}
	},

	/** The parser alone, as one writes it by hand: every event into a listener, or into state. */
	feed(response) {
		/** @type {Record<string, (data: string) => void>} */
		const listeners = {}
		let latest = $state.raw('')
		let isRead = false
		const read = async () => {
			isRead = true
			const parser = createParser({
				onEvent: ({ event = 'message', data }) => listeners[event]?.(data)
			})
			const decoder = new TextDecoder()
			const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader()
			for (let next = await reader.read(); !next.done; next = await reader.read())
				parser.feed(decoder.decode(next.value, { stream: true }))
		}
		return {
			listen(listener, name = 'message') {
				listeners[name] = listener
				if (!isRead) void read()
				return () => delete listeners[name]
			},
			value() {
				if (!isRead) {
					listeners.message = (data) => (latest = data)
					void read()
				}
				return latest
			}
		}
	}
}
