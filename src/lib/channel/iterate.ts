import { DEV } from 'esm-env'
import { clock } from '../clock.js'
import { SseError } from '../errors.js'
import { giveWay } from '../parts/give-way.js'
import { Queue } from '../parts/queue.js'

/** Events that may wait for a loop that is slower than the stream. */
const maxWaiting = 10_000

/** What a loop over a channel listens to. */
export interface Listening<T> {
	event(data: T): void
	/** The connection was closed: by an error, or because it was over. */
	ended(error: SseError | undefined): void
}

/** Starts listening; returns what stops it. */
type Listen<T> = (listening: Listening<T>) => () => void

/** How long `next()` waits for an event. */
export interface NextOptions {
	/** Milliseconds to wait. @default no limit */
	timeout?: number | undefined
	/** Stops waiting when it aborts. */
	signal?: AbortSignal | undefined
}

/**
 * Every event, in order, for `for await`. It ends when the connection is closed, throws when an error closed it, and also
 * when it was so slow that events had to be left out.
 */
export function iterate<T>(listen: Listen<T>): Queue<T> {
	let stop: (() => void) | undefined
	const queue = new Queue<T>(() => stop?.())
	stop = listen({
		event(data) {
			if (queue.size < maxWaiting) queue.push(data)
			else queue.end(tooSlow())
		},
		ended: (error) => queue.end(error)
	})
	if (queue.isEnded) stop()
	return queue
}

/**
 * The events of a channel one by one, as promises. Those that come in the same moment as one that was asked for wait for
 * the next to ask in that moment, so that a loop misses none of a burst.
 */
export class Nexts<T> {
	readonly #listen: Listen<T>
	/** Have brought what was asked of them; who was the last to get something is the likeliest to ask again. */
	readonly #parked: Queue<T>[] = []

	constructor(listen: Listen<T>) {
		this.#listen = listen
	}

	async next({ timeout, signal }: NextOptions = {}): Promise<T> {
		const aborted = (): SseError => new SseError('aborted', 'aborted', { cause: signal?.reason })
		if (signal?.aborted) throw aborted()
		const queue = this.#parked.pop() ?? iterate(this.#listen)
		const abort = (): void => {
			// Once it has its event, the others of the burst are for whoever asks next.
			if (queue.isAwaited) queue.end(aborted())
		}
		const timer =
			timeout !== undefined &&
			clock.setTimeout(
				() => queue.end(new SseError('timeout', DEV ? `no event within ${timeout} ms` : 'timeout')),
				timeout
			)
		signal?.addEventListener('abort', abort)
		try {
			const { value, done } = await queue.next()
			if (done) throw new SseError('closed', DEV ? 'closed before the next event came' : 'closed')
			// One that has told its end is of no use any more.
			this.#park(queue)
			return value
		} finally {
			clock.clearTimeout(timer)
			signal?.removeEventListener('abort', abort)
		}
	}

	#park(queue: Queue<T>): void {
		this.#parked.push(queue)
		void giveWay().then(() => {
			const at = this.#parked.indexOf(queue)
			if (at < 0) return
			this.#parked.splice(at, 1)
			void queue.return()
		})
	}
}

function tooSlow(): SseError {
	return new SseError(
		'overflow',
		DEV
			? `The loop is too slow: ${maxWaiting} events are waiting, and more have come. Do less per event, or use list().`
			: 'too slow'
	)
}
