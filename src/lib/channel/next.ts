import { clock } from '../clock.js'
import { SseError } from '../errors.js'
import type { Listening } from './iterate.js'

export interface NextOptions {
	/** Milliseconds to wait. @default no limit */
	timeout?: number
	/** Gives up. */
	signal?: AbortSignal
}

/** The first event from now on, as a promise that leaves nothing behind. */
export function waitForNext<T>(
	listen: (listening: Listening<T>) => () => void,
	{ timeout, signal }: NextOptions = {}
): Promise<T> {
	return new Promise((resolve, reject) => {
		let isSettled = false
		let stop: (() => void) | undefined
		const timer =
			timeout === undefined
				? undefined
				: clock.setTimeout(
						() => fail(new SseError('timeout', `No event within ${timeout} ms.`)),
						timeout
					)

		function settle(): boolean {
			if (isSettled) return false
			isSettled = true
			clock.clearTimeout(timer)
			signal?.removeEventListener('abort', abort)
			stop?.()
			return true
		}
		function fail(error: SseError): void {
			if (settle()) reject(error)
		}
		function abort(): void {
			fail(
				new SseError('aborted', 'Waiting for the next event was given up.', {
					cause: signal?.reason
				})
			)
		}

		if (signal?.aborted) return abort()
		signal?.addEventListener('abort', abort)
		stop = listen({
			event(data) {
				if (settle()) resolve(data)
			},
			ended: (error) =>
				fail(
					error ?? new SseError('closed', 'The connection was closed before the next event came.')
				)
		})
		if (isSettled) stop()
	})
}
