import type { Connection } from './connection.js'
import type { Emitted, UnnamedEvent } from './types.js'

/** Whether `start` returned something to iterate. */
export function isAsyncIterable(value: unknown): value is AsyncIterable<never> {
	return (
		typeof (value as { [Symbol.asyncIterator]?: unknown } | null)?.[Symbol.asyncIterator] ===
		'function'
	)
}

/**
 * Sends what an async iterable yields, at the pace of the client.
 *
 * The iterator is returned as soon as the stream ends, also while it waits for its next value.
 *
 * @param fail hears what the iterator throws while it cleans up.
 */
export async function pump<S>(
	iterable: AsyncIterable<Emitted<S> | UnnamedEvent<S>>,
	connection: Connection<S>,
	fail: (thrown: unknown) => void
): Promise<void> {
	const { signal } = connection
	const emit = connection.pacedEmit()
	const iterator = iterable[Symbol.asyncIterator]()
	let abandon = (): void => {}
	signal.addEventListener('abort', () => abandon())
	/** Whether the iterator may hold something that `return` lets go of. */
	let isOpen = true
	try {
		while (!signal.aborted) {
			// One that throws has closed itself.
			isOpen = false
			// Not Promise.race with one promise for the signal, which would keep every value alive until the end.
			const next = await new Promise<IteratorResult<Emitted<S> | UnnamedEvent<S>> | undefined>(
				(resolve, reject) => {
					abandon = () => resolve(undefined)
					Promise.resolve(iterator.next()).then(resolve, reject)
				}
			)
			isOpen = !next?.done
			if (!next || next.done) break
			const { event = 'message', data, id, retry } = next.value
			const result = emit(event, data, { id, retry })
			const { error } = result instanceof Promise ? await result : result
			if (error && !signal.aborted) throw error
			await connection.drained()
		}
	} finally {
		// Not awaited: a generator that waits for something of its own cannot return before that has come.
		if (isOpen) Promise.resolve(iterator.return?.()).catch(fail)
	}
}
