import { isStream } from '../wire/headers.js'

/** What Node's `ServerResponse` offers. */
interface NodeResponse {
	/** Bytes that the system has not taken from it. */
	readonly writableLength: number
	getHeader(name: string): unknown
}

interface Handle {
	/** The response that is being written to this socket. */
	_httpMessage?: Partial<NodeResponse> | null
	destroy?(): void
}

/**
 * Cuts off the clients of a Node process that is about to end and who do not read what is left of their streams;
 * elsewhere it does nothing.
 *
 * SvelteKit writes a body to the response, and while a client does not read it waits for that client alone: neither the
 * end of the body nor its breaking off is looked at, and adapter-node would wait until SHUTDOWN_TIMEOUT. Other
 * responses are left alone, however long they take.
 *
 * @param host the global `process`
 */
export function cutOffUnread(host: { _getActiveHandles?(): unknown[] }): void {
	for (const handle of (host._getActiveHandles?.() ?? []) as Handle[]) {
		const response = handle._httpMessage
		if (!response?.writableLength || typeof response.getHeader !== 'function') continue
		if (isStream((name) => response.getHeader!(name))) handle.destroy?.()
	}
}
