import { clock } from '../clock.js'
import { SseError } from '../errors.js'
import type { Untyped } from '../contract/types.js'
import { read, type ReadEvent, type ReadOptions } from './read.js'

/** How many events to wait for, and how long. */
export interface CollectOptions<S = Untyped> extends ReadOptions<S> {
	/** How many events to wait for; then the response is cancelled. @default all, until the stream ends */
	take?: number | undefined
	/** Milliseconds after which waiting is given up. @default 2_000 */
	timeout?: number | undefined
}

/**
 * The events of a response, as a list.
 *
 * @throws {SseError} `timeout`, with what has come until then; `response` when it is no event stream.
 *
 * @example
 * ```ts
 * import { produce } from 'sveltekit-sse'
 * import { collect } from 'sveltekit-sse/testing'
 *
 * const events = await collect(produce(({ emit }) => void emit('message', 'hello')), { take: 1 })
 * // [{ event: 'message', data: 'hello', id: undefined }]
 * ```
 */
export async function collect<S = Untyped>(
	response: Response,
	{ events, log, take = Infinity, timeout = 2_000 }: CollectOptions<S> = {}
): Promise<ReadEvent<S>[]> {
	const collected: ReadEvent<S>[] = []
	const stream = read(response, { events, log })
	let timer: unknown
	const late = new Promise<never>((_, reject) => {
		timer = clock.setTimeout(() => reject(tooLate(timeout, take, collected)), timeout)
	})
	try {
		while (collected.length < take) {
			const next = await Promise.race([stream.next(), late])
			if (next.done) break
			collected.push(next.value)
		}
		return collected
	} finally {
		clock.clearTimeout(timer)
		await stream.return()
	}
}

function tooLate(timeout: number, take: number, collected: readonly { event: string }[]): SseError {
	const names = collected.map(({ event }) => event)
	const came =
		names.length === 0 ? 'no event came' : `${names.length} came (${names.slice(-10).join(', ')})`
	const wanted =
		take === Infinity ? 'and the stream has not ended; give `take`, or end it' : `of ${take}`
	return new SseError('timeout', `Within ${timeout} ms ${came} ${wanted}.`)
}
