import type { FaultControls } from './settings.js'

// What users see of the proxy. Nothing here names a type of Node's, which not everyone has.

/** An HTTP response that the proxy gives by itself. */
export interface Answer {
	/** HTTP status. */
	status: number
	/** Headers; the length of the body is set in any case. */
	headers?: Record<string, string> | undefined
	/** The body. @default none */
	body?: string | Uint8Array | undefined
}

/** One connection of a client through the proxy, with faults of its own. */
export interface FaultConnection extends FaultControls {
	/** Counts from 1 in the order of acceptance. */
	readonly id: number
	/** Resolves when the client has ended or lost its side. */
	readonly closed: Promise<void>
	/** Whether the client's side is up. */
	readonly open: boolean
	/** Bytes that went to the client. */
	readonly sent: number
	/** HTTP/1 requests seen on this connection. */
	readonly requests: number
	/** Frees both sockets, whatever state they are in. */
	destroy(): void
}

/**
 * A TCP proxy on loopback between a real client and a real server that does to their bytes what networks, proxies and
 * dying machines do.
 *
 * Each control works on one connection, or, called on the proxy, on all that are open; settings (`stall`, `halfOpen`,
 * `delay`, `throttle`, `hold`, `split`, `cutAfter`, `resetAfter`) then also hold for the connections to come, until
 * `clear()`.
 */
export interface FaultProxy extends FaultControls, AsyncDisposable {
	/** Port of the server that new connections are led to; may be changed at any time. */
	target: number
	/** Called with each new connection before a byte has moved, to give it faults of its own. */
	onConnection: ((connection: FaultConnection) => void) | undefined
	/** The port that it listens on. */
	readonly port: number
	/** `http://127.0.0.1:<port>`, without a slash at the end. */
	readonly url: string
	/** The connections whose client side is up, the oldest first. */
	readonly connections: FaultConnection[]
	/** How many connections are open now. */
	readonly open: number
	/** How many connections were accepted so far; refused ones are not. */
	readonly accepted: number
	/** How many connections were open at the same time at most. */
	readonly peak: number
	/** How many HTTP/1 requests came, the answered and the swallowed ones included. */
	readonly requests: number
	/** Listens, on the port it had if there was one; undoes `refuse()`. */
	accept(): Promise<void>
	/**
	 * Refuses new connections: nobody listens (`closed`), or each is reset right after it was accepted (`reset`). Open
	 * connections live on.
	 */
	refuse(how?: 'closed' | 'reset'): void
	/**
	 * Answers the next requests by itself, without the server: those on new connections and those on connections that a
	 * client kept alive.
	 *
	 * @param times replaces what was left of an earlier call. Default: all.
	 */
	answer(answer: Answer, times?: number): void
	/**
	 * Resolves as soon as the condition is true; looked at whenever a connection comes or goes, a request arrives or
	 * bytes have moved.
	 *
	 * @param timeout milliseconds, then it rejects. Default 5,000.
	 */
	until(condition: () => boolean, timeout?: number): Promise<void>
	/** Resolves with the next connection that is accepted. */
	nextConnection(timeout?: number): Promise<FaultConnection>
	/** Ends everything and leaves no handle open. */
	close(): Promise<void>
}
