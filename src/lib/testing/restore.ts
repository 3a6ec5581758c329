import { environment } from '../environment.js'
import { closeLinks } from '../link/lifecycle.js'

/** What puts the library back as it was before a test; the last that was done is undone first. */
const steps = new Set<() => void>()

/** Remembers what a test has to put back; what it returns does so at once. */
export function undoLater(undo: () => void): () => void {
	const step = (): void => {
		if (steps.delete(step)) undo()
	}
	steps.add(step)
	return step
}

/**
 * Puts everything back for the next test: closes the connections of `source()`, those of mock sources included, and gives
 * the library its clock and the page its `fetch` back. For after each test; calling it again does nothing.
 *
 * @example
 * ```ts
 * import { assertNothingOpen, restoreAll } from 'sveltekit-sse/testing'
 * import { afterEach } from 'vitest'
 *
 * afterEach(async () => {
 * 	try {
 * 		await assertNothingOpen()
 * 	} finally {
 * 		restoreAll()
 * 	}
 * })
 * ```
 */
export function restoreAll(): void {
	// First, while their clock and their network are there: the next test must not meet them again.
	closeLinks()
	for (const step of [...steps].reverse()) step()
}

/**
 * Lets `source()` connect where it would not, because pages are rendered there: in Node. `mockSource` and `memoryFetch` do
 * it by themselves; `restoreAll` ends it.
 *
 * @returns what ends it
 *
 * @example
 * ```ts
 * import { source } from 'sveltekit-sse'
 * import { actAsClient } from 'sveltekit-sse/testing'
 *
 * actAsClient()
 * const message = await source('http://localhost:3000/events').select('message').next()
 * ```
 */
export function actAsClient(): () => void {
	const before = environment.isClient
	environment.isClient = true
	return undoLater(() => {
		environment.isClient = before
	})
}
