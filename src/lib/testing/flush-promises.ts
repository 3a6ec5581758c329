/** Turns of the event loop that a request, its response and its first events take at most, when all are in memory. */
const turns = 3

/**
 * Resolves when everything that needs no timer and no network has happened: requests to handlers in memory are answered,
 * their events delivered.
 *
 * @example
 * ```ts
 * import { flushPromises } from 'sveltekit-sse/testing'
 *
 * await flushPromises()
 * ```
 */
export async function flushPromises(): Promise<void> {
	// A message, not a timer: test runners put fake timers in place of the real ones.
	for (let turn = 0; turn < turns; turn++)
		await new Promise<void>((resolve) => {
			const { port1, port2 } = new MessageChannel()
			port1.onmessage = () => {
				port1.close()
				resolve()
			}
			port2.postMessage(undefined)
		})
}
