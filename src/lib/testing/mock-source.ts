import { SseError, type CloseReason } from '../errors.js'
import type { AnyEvents, Contract, In, Untyped } from '../contract/types.js'
import type { SseConnection } from '../connection.svelte.js'
import { produce } from '../produce/produce.js'
import type { EventStream } from '../produce/stream.js'
import type { EmitOptions, ProducerConnection } from '../produce/types.js'
import { source } from '../source/source.js'
import type { SourceOptions } from '../source/options.js'
import { gapFrame } from '../wire/control.js'
import { memoryFetch } from './memory-fetch.js'
import { flushPromises } from './flush-promises.js'

/** What a test can do to a mock source, in the place of the server and of the network. */
export interface MockControls<S = Untyped> {
	/**
	 * Sends an event, and resolves when it has arrived. While nobody is connected it is kept, and sent to the next who is.
	 *
	 * @throws {SseError} what `emit` returns as an error, such as `validation`.
	 */
	push<K extends keyof S & string>(name: K, data: In<S, K>, options?: EmitOptions): Promise<void>
	/** Breaks the connection off, as a network that fails. */
	drop(): Promise<void>
	/** Answers the next request with a status, or a response, instead of a stream; a promise of it answers later. */
	respond(answer: number | Response | Promise<number | Response>): void
	/** Says that events were left out. */
	gap(): Promise<void>
	/** Ends the stream, as a server does. @param reason Default `done`. */
	end(reason?: CloseReason): Promise<void>
	/** The requests that were made, the oldest first. */
	readonly requests: readonly Request[]
}

/** A connection whose server is the test. */
export type MockSource<S = Untyped> = SseConnection<S> & MockControls<S>

/** Options of `source()`, but for those that the mock gives itself. */
export type MockOptions<S = Untyped> = Omit<SourceOptions<S>, 'events' | 'fetch' | 'cache'>

/**
 * A connection for the tests of a component or of a module: a real one, with real channels, whose server is the test.
 *
 * @param events the contract; without one, events are text.
 * @param options as for `source()`, such as `initial` or `reconnect`.
 *
 * @example
 * ```ts
 * import { mockSource } from 'sveltekit-sse/testing'
 *
 * const orders = mockSource()
 * const seen: string[] = []
 * orders.select('order').on((order) => seen.push(order))
 * await orders.push('order', 'one')
 * ```
 */
export function mockSource<S extends AnyEvents = Untyped>(
	events?: Contract<S>,
	options: MockOptions<S> = {}
): MockSource<S> {
	let stream: ProducerConnection<S> | undefined
	const kept: ((stream: ProducerConnection<S>) => void)[] = []
	const fetch = memoryFetch(({ request }: { request: Request }) =>
		produce<S>(
			(connection) => {
				stream = connection
				for (const send of kept.splice(0)) send(connection)
				return () => {
					if (stream === connection) stream = undefined
				}
			},
			// Nothing of a mock is lost unless the test says so.
			{ events, request, resumed: true }
		)
	)
	const connection = source<S>('http://mock.test/', {
		...options,
		events,
		fetch: fetch as typeof globalThis.fetch
	})
	const controls: MockControls<S> = {
		requests: fetch.requests,
		respond: fetch.respond,
		drop: fetch.drop,
		async push(name, data, settings) {
			const send = (to: ProducerConnection<S>): void => {
				const { error } = to.emit(name, data, settings)
				if (error) throw error
			}
			// At once, also when nobody is connected: the mistake is here, not where the event is sent.
			events?.encode(name, data)
			await flushPromises()
			if (stream) send(stream)
			else kept.push(send)
			await flushPromises()
		},
		async gap() {
			const underlying = connected(stream).source as EventStream
			underlying.write(gapFrame)
			await flushPromises()
		},
		async end(reason = 'done') {
			connected(stream).close(reason)
			await flushPromises()
		}
	}
	return Object.assign(connection, controls)
}

function connected<S>(stream: ProducerConnection<S> | undefined): ProducerConnection<S> {
	if (stream) return stream
	throw new SseError(
		'closed',
		'Nobody is connected to the mock source: read a channel, or call connect(), and await flushPromises().'
	)
}
