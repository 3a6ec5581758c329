import { onTestFinished } from 'vitest'
import type { Untyped } from '../../../src/lib/contract/types.js'
import {
	Hub,
	memory,
	type Broker,
	type HubOptions,
	type StreamOptions,
	type TailListener
} from '../../../src/lib/hub/index.js'
import { StreamLog } from '../../support/stream-log.js'

/** A hub that is closed behind the test. */
export function createHub<S = Untyped>(options?: HubOptions<S>): Hub<S> {
	const hub = new Hub<S>(options)
	onTestFinished(() => hub.close())
	return hub
}

/** The request of a client that was there, or is new. */
export function request(lastEventId?: string): Request {
	const headers: HeadersInit = lastEventId === undefined ? {} : { 'last-event-id': lastEventId }
	return new Request('http://localhost/', { method: 'POST', headers })
}

export function open<S = Untyped>(
	hub: Hub<S>,
	topics: string | string[],
	lastEventId?: string,
	options?: Partial<StreamOptions<S>>
): StreamLog {
	return new StreamLog(hub.stream(topics, { ...options, request: request(lastEventId) }))
}

/** Resolves when the stream has come to where the log is. */
export function joined(log: StreamLog): Promise<void> {
	return log.until(({ all }) => all.some((note) => 'id' in note && !('event' in note)))
}

/** What a client was told: the data of its events, gaps, and the last word. */
export function told(log: StreamLog): unknown[] {
	return log.all.flatMap((note) => {
		if ('data' in note) return [note.data]
		if ('gap' in note) return ['gap']
		return 'close' in note ? [note.close] : []
	})
}

/** As `told`, when the stream has ended. */
export async function toldInAll(log: StreamLog): Promise<unknown[]> {
	await log.ended
	return told(log)
}

/** A broker on the log of another, whose tail stands still until it is let go. */
export function lagging(broker = memory()): Broker & { letGo(): void } {
	let held: (() => void)[] | undefined = []
	const hold = (run: () => void): void => {
		if (held) held.push(run)
		else run()
	}
	return {
		append: (...args) => broker.append(...args),
		read: (...args) => broker.read(...args),
		head: () => broker.head(),
		signal: (text) => broker.signal(text),
		onHealth: (listener) => broker.onHealth(listener),
		get health() {
			return broker.health
		},
		// The log is that of another.
		close: async () => {},
		tail: (start, listener) =>
			broker.tail(start, {
				entries: (entries) => hold(() => listener.entries(entries)),
				gap: (gap) => hold(() => listener.gap(gap)),
				// What was there at the start is known.
				live: (cursor) => {
					for (const run of held?.splice(0) ?? []) run()
					listener.live(cursor)
				},
				signal: (text) => listener.signal?.(text)
			}),
		letGo() {
			for (const run of held?.splice(0) ?? []) run()
			held = undefined
		}
	}
}

/** Call it before `createHub`. The function that it returns gives the hub's listener, so that a test can tell of a gap. */
export function captureTail(broker: Broker): () => TailListener {
	const { tail } = broker
	let listener: TailListener | undefined
	broker.tail = (start, own) => tail.call(broker, start, (listener = own))
	return () => listener!
}
