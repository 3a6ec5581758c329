/** @import { Contestant } from '../types.js' */

/**
 * Who can be measured, by the name the command line takes. Loaded by the process that serves it, and by no other.
 *
 * @type {Record<string, { label: string, load(): Promise<{ default: Contestant }> }>}
 */
export const contestants = {
	ours: {
		label: 'sveltekit-sse 1.0 (this library)',
		load: () => import('./sveltekit-sse.mjs')
	},
	hub: { label: 'sveltekit-sse 1.0, hub', load: () => import('./sveltekit-sse-hub.mjs') },
	'raw-whole': {
		label: 'node:http, ready bytes, one write a tick',
		load: () => import('./raw-whole.mjs')
	},
	'raw-text': {
		label: 'node:http, text joined by hand, one write a tick',
		load: () => import('./raw-text.mjs')
	},
	raw: { label: 'node:http, ready bytes, one write an event', load: () => import('./raw.mjs') },
	bare: { label: 'bare ReadableStream Response', load: () => import('./bare-response.mjs') },
	iterable: { label: 'bare async iterable Response', load: () => import('./iterable.mjs') },
	'sveltekit-sse-0.14': {
		label: 'sveltekit-sse 0.14.3',
		load: () => import('./sveltekit-sse-0.14.mjs')
	},
	'better-sse-node': { label: 'better-sse (node)', load: () => import('./better-sse-node.mjs') },
	'better-sse-fetch': { label: 'better-sse (fetch)', load: () => import('./better-sse-fetch.mjs') },
	'better-sse-channel': {
		label: 'better-sse (fetch), channel',
		load: () => import('./better-sse-channel.mjs')
	},
	'query-live': { label: "SvelteKit's query.live", load: () => import('./query-live.mjs') },
	hono: { label: 'Hono streamSSE', load: () => import('./hono.mjs') }
}

/** A name with this ending is the same contestant once more: what the two differ by is noise. */
const again = / again$/

/** Who reads streams and serves none. @type {Record<string, string>} */
const readers = {
	feed: "eventsource-parser's feed",
	stream: "eventsource-parser's TransformStream"
}

/** @param {string} name */
export function labelOf(name) {
	const plain = name.replace(again, '')
	const label = contestants[plain]?.label ?? readers[plain] ?? name
	return again.test(name) ? `${label}, again: the noise` : label
}

/** @param {string} name @returns {Promise<Contestant>} */
export async function load(name) {
	const contestant = contestants[name.replace(again, '')]
	if (!contestant) throw new Error(`no contestant is called ${name}`)
	return (await contestant.load()).default
}
