import type { SseError } from '../errors.js'
import type { Message } from '../link/types.js'

/** One event on its way through the channels: its value there, and the message that came off the wire. */
export interface Incoming<P> {
	data: P
	message: Message
}

/** Hears what a feed brings. */
export interface Receiver<P> {
	event(data: P, message: Message): void
	/** An event could not be read; undefined: the next one could. */
	failed(error: SseError | undefined): void
	/** There may be something to catch up with: an event that came before, or another URL. */
	again(): void
	/** A stream begins that does not go on where the last one was lost. */
	fresh(): void
	/** The connection was closed, for all who read it: by an error, or because it was over. */
	ended(error: SseError | undefined): void
}

/** What a feed has opened. */
export interface Opened {
	close(): void
	/** There is one more who wants it: if it was closed from the other side, it is opened again. */
	renew(): void
}

/** Where a channel's events come from: a connection, or another channel. */
export interface Feed<P = unknown> {
	readonly session: Session
	/**
	 * Holds the connection, and brings its events.
	 *
	 * @param isQuiet only brings events, while others hold it
	 */
	open(receiver: Receiver<P>, isQuiet: boolean): Opened
	/** The last event, for a late reader; if it has to be waited for, `again` is called once it is there. */
	last(again: () => void): Incoming<P> | undefined
}

/** The connection, as all its channels see it. */
export interface Session {
	/** The URL that readers want, as reactive state. */
	url(): string | undefined
	/** Moves the connection to the URL now, and reads it as state; there if the URL may change. */
	readonly follow: (() => void) | undefined
	/** The URL that was settled last, which the values belong to; undefined: none so far. */
	readonly settled: string | undefined
	/** Another number after each change of the URL that starts everything over. */
	readonly era: number
	/** Another object after each stream that starts over; undefined while it is not known. */
	readonly stream: object | undefined
	/** Whether values belong to one URL. */
	readonly resets: boolean
	/** Milliseconds for which a channel without readers keeps the connection. */
	linger(): number
	/** Whether it was closed, for all who read it. */
	isOver(): boolean
	/**
	 * To be asked once a hold begins that was meant now: whether the same component, or effect, has closed it since.
	 *
	 * @param mayRepeat whether it may be the one that has just closed it, and runs again
	 */
	closings(mayRepeat: boolean): () => boolean
	/** There while nothing will come: the connection is closed, or pages are rendered on a server. */
	ending(): { error: SseError | undefined } | undefined
	/** Hears of events of this connection that could not be read. */
	failed(error: SseError): void
}
