/**
 * The headers of every stream: the type, and what keeps caches and proxies from holding it back.
 *
 * `no-transform` stops proxies that compress (and so buffer); `x-accel-buffering` is nginx's word for "pass on at
 * once"; `private, no-store` keeps one user's events out of every cache.
 */
const fixed: readonly [string, string][] = [
	['content-type', 'text/event-stream'],
	['cache-control', 'private, no-store, no-transform'],
	['x-accel-buffering', 'no']
]

// A `connection` header breaks streams behind HTTP/2, and the others describe a body that a stream does not have.
const forbidden = [
	'connection',
	'keep-alive',
	'transfer-encoding',
	'content-encoding',
	'content-length'
]

/** The header by which a stream of ours announces itself: the protocol's version and the heartbeat's interval. */
export const announcementHeader = 'sveltekit-sse'

/**
 * The response headers of a stream: the user's, with those that a stream needs added and those that break it removed.
 *
 * @param ping milliseconds between heartbeats; false: none
 */
export function streamHeaders(ping: number | false, init?: HeadersInit): Headers {
	const headers = new Headers(init)
	for (const name of forbidden) headers.delete(name)
	for (const [name, value] of fixed) headers.set(name, value)
	headers.set(announcementHeader, `1; ping=${Math.ceil(+ping)}`)
	return headers
}

/** What the announcement header says; undefined for a stream that is not ours, or whose headers cannot be read. */
export function parseAnnouncement(value: string | null): { ping: number | undefined } | undefined {
	if (!/^1\s*(;|$)/.test(value ?? '')) return undefined
	return { ping: +(/;\s*ping=(\d+)/.exec(value!)?.[1] ?? 0) || undefined }
}

/** Whether these are the headers of a stream of ours. */
export function isStream(header: (name: string) => unknown): boolean {
	return fixed.every(([name, value]) => header(name) === value)
}

/** Whether a `content-type` value, parameters aside, says that the body is an event stream. */
export function isEventStream(contentType: string | null): boolean {
	return /^\s*text\/event-stream\s*(;|$)/i.test(contentType ?? '')
}

// A header carries bytes, and reads as one character a byte; an id is UTF-8.
// [spec] 9.2.3: lastEventIDValue is the EventSource object's last event ID string, encoded as UTF-8.

/** An id as the value of a `Last-Event-ID` header. */
export function idHeader(id: string): string {
	return String.fromCharCode(...new TextEncoder().encode(id))
}

/** Bytes of an id that a server can be trusted to take: all headers of a request together may have 8 to 16 kB. */
const maxIdBytes = 4_096

/** Whether there is an id that can go back to the server: one that cannot would break every later request. */
export function isSendable(id: string | undefined): id is string {
	return (
		!!id &&
		id.length <= maxIdBytes &&
		!/[\0-\x08\x0a-\x1f\x7f]/.test(id) &&
		idHeader(id).length <= maxIdBytes
	)
}

/** The id of a `Last-Event-ID` header; an empty one is none. */
export function decodeId(value: string | null | undefined): string | undefined {
	if (!value) return undefined
	const bytes = Uint8Array.from(value, (character) => character.charCodeAt(0))
	return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
}
