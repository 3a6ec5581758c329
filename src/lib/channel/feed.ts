import type { SseError } from '../errors.js'
import type { Message } from '../link/types.js'

/** One event on its way through the channels: what it has become, and what came off the wire. */
export interface Incoming<P> {
	data: P
	message: Message
}

/** Hears what a feed brings. */
export interface Receiver<P> {
	event(data: P, message: Message): void
	/** There may be something to catch up with: an event that came before, or another URL, with which everything starts over. */
	again?(): void
	/** The connection was closed: by an error, or because it was over. */
	ended?(error: SseError | undefined): void
	/** An event could not be read. */
	failed?(error: SseError): void
}

/** Where a channel's events come from: a connection, or another channel. */
export interface Feed<P = unknown> {
	/** Holds the connection, and brings its events; returns what ends both. */
	open(receiver: Receiver<P>): () => void
	/** The last event, for who comes later; if it has to be waited for, `again` is called once it is there. */
	last(again?: () => void): Incoming<P> | undefined
	/** There while nothing will come: the connection is closed, or pages are rendered on a server. */
	over(): { error: SseError | undefined } | undefined
	/** Runs something after the linger; returns what calls it off. */
	later(run: () => void): () => void
	/** Another number after each change of the URL: what came before does not count any more. */
	generation(): number
	/** Hears of events of this connection that could not be read. */
	failed(error: SseError): void
}
