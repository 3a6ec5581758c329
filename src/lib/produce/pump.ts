import type { Emit, Emitted, ProducerConnection, UnnamedEvent } from './types.js'

/** Whether `start` returned something to iterate. */
export function isAsyncIterable(value: unknown): value is AsyncIterable<never> {
	return (
		typeof (value as { [Symbol.asyncIterator]?: unknown } | null)?.[Symbol.asyncIterator] ===
		'function'
	)
}

/**
 * Sends what an async iterable yields, at the pace of the client, then ends the stream with `done`.
 *
 * The iterator is returned as soon as the stream ends, also while it waits for its next value.
 */
export async function pump<S>(
	iterable: AsyncIterable<Emitted<S> | UnnamedEvent<S>>,
	connection: ProducerConnection<S>
): Promise<void> {
	const { signal } = connection
	const emit = connection.emit as Emit
	const iterator = iterable[Symbol.asyncIterator]()
	const ended = new Promise<{ done: true }>((resolve) => {
		if (signal.aborted) resolve({ done: true })
		else signal.addEventListener('abort', () => resolve({ done: true }), { once: true })
	})
	try {
		while (!signal.aborted) {
			const next = await Promise.race([iterator.next(), ended])
			if (next.done) break
			const { event = 'message', data, id, retry } = next.value
			const { error } = emit(event, data, { id, retry })
			if (error && !signal.aborted) throw error
			await connection.drained()
		}
	} catch (thrown) {
		// A generator that fails because it was told to stop has done what it was told.
		if (!signal.aborted) throw thrown
	} finally {
		// Not awaited: a generator that waits for something of its own cannot return before that has come.
		if (signal.aborted) Promise.resolve(iterator.return?.()).catch(() => {})
	}
	connection.close()
}
