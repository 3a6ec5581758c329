import { SseError } from '../errors.js'

/** Events that may wait for a loop that is slower than the stream. */
const mostWaiting = 10_000

/** What a loop over a channel listens to. */
export interface Listening<T> {
	event(data: T): void
	/** The connection was closed: by an error, or because it was over. */
	ended(error: SseError | undefined): void
}

/**
 * Every event, in order, for `for await`. It ends when the connection is closed, throws when an error closed it, and
 * also when it was so slow that events had to be left out.
 *
 * @param listen starts listening; returns what stops it
 */
export function iterate<T>(listen: (listening: Listening<T>) => () => void): AsyncIterator<T> {
	const waiting: T[] = []
	let error: SseError | undefined
	let isOver = false
	let wakers: (() => void)[] = []
	let stop: (() => void) | undefined

	function wake(): void {
		const woken = wakers
		wakers = []
		for (const waker of woken) waker()
	}

	function end(cause: SseError | undefined): void {
		if (isOver) return
		isOver = true
		error = cause
		stop?.()
		wake()
	}

	stop = listen({
		event(data) {
			if (waiting.length < mostWaiting) waiting.push(data)
			else
				end(
					new SseError(
						'overflow',
						`The loop is too slow: ${mostWaiting} events are waiting, and more have come. Do less per event, or use list().`
					)
				)
			wake()
		},
		ended: end
	})
	if (isOver) stop()

	return {
		async next(): Promise<IteratorResult<T>> {
			while (waiting.length === 0 && !isOver)
				await new Promise<void>((resolve) => wakers.push(resolve))
			if (waiting.length > 0) return { value: waiting.shift()!, done: false }
			const thrown = error
			error = undefined
			if (thrown) throw thrown
			return { value: undefined, done: true }
		},
		async return(): Promise<IteratorResult<T>> {
			waiting.length = 0
			end(undefined)
			return { value: undefined, done: true }
		}
	}
}
