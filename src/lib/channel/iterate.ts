import { DEV } from 'esm-env'
import { clock } from '../clock.js'
import { SseError } from '../errors.js'

/** Events that may wait for a loop that is slower than the stream. */
const mostWaiting = 10_000

/** What a loop over a channel listens to. */
export interface Listening<T> {
	event(data: T): void
	/** The connection was closed: by an error, or because it was over. */
	ended(error: SseError | undefined): void
}

type Listen<T> = (listening: Listening<T>) => () => void

/** How long to wait for the next event. */
export interface NextOptions {
	/** Milliseconds to wait. @default no limit */
	timeout?: number | undefined
	/** Gives up. */
	signal?: AbortSignal | undefined
}

/**
 * Every event, in order, for `for await`. It ends when the connection is closed, throws when an error closed it, and also
 * when it was so slow that events had to be left out.
 *
 * @param listen starts listening; returns what stops it
 */
export function iterate<T>(listen: Listen<T>): AsyncIterator<T> & Pick<Listening<T>, 'ended'> {
	const waiting: T[] = []
	let error: SseError | undefined
	let isOver = false
	const wakers: (() => void)[] = []
	let stop: (() => void) | undefined

	function wake(): void {
		for (const waker of wakers.splice(0)) waker()
	}

	function ended(cause: SseError | undefined): void {
		if (isOver) return
		isOver = true
		error = cause
		stop?.()
		wake()
	}

	stop = listen({
		event(data) {
			if (waiting.length < mostWaiting) waiting.push(data)
			else ended(tooSlow())
			wake()
		},
		ended
	})
	if (isOver) stop()

	return {
		async next() {
			while (waiting.length === 0 && !isOver)
				await new Promise<void>((resolve) => wakers.push(resolve))
			if (waiting.length > 0) return { value: waiting.shift()!, done: false }
			const thrown = error
			error = undefined
			if (thrown) throw thrown
			return { value: undefined, done: true }
		},
		async return() {
			waiting.length = 0
			ended(undefined)
			return { value: undefined, done: true }
		},
		ended
	}
}

/** The first event from now on, as a promise that leaves nothing behind. */
export async function nextOf<T>(listen: Listen<T>, options: NextOptions = {}): Promise<T> {
	const { timeout, signal } = options
	const loop = iterate(listen)
	const abort = (): void =>
		loop.ended(new SseError('aborted', 'aborted', { cause: signal?.reason }))
	const timer =
		timeout !== undefined &&
		clock.setTimeout(
			() => loop.ended(new SseError('timeout', DEV ? `no event within ${timeout} ms` : 'timeout')),
			timeout
		)
	signal?.addEventListener('abort', abort)
	if (signal?.aborted) abort()
	try {
		const { value, done } = await loop.next()
		if (done) throw new SseError('closed', DEV ? 'closed before the next event came' : 'closed')
		return value
	} finally {
		clock.clearTimeout(timer)
		signal?.removeEventListener('abort', abort)
		void loop.return!()
	}
}

function tooSlow(): SseError {
	return new SseError(
		'overflow',
		DEV
			? `The loop is too slow: ${mostWaiting} events are waiting, and more have come. Do less per event, or use list().`
			: 'too slow'
	)
}
