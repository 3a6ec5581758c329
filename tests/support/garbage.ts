import { flushPromises } from '../../src/lib/testing/flush-promises.js'

const patience = 20_000

/**
 * Collects garbage until this holds, or until it has not for 20 s: what a collection finds is freed, and told to
 * registries, in tasks and threads of their own. Needs `--expose-gc`.
 *
 * @example
 * ```ts
 * await collectGarbage(() => collected === 10)
 * expect(collected).toBe(10)
 * ```
 */
export async function collectGarbage(until: () => boolean): Promise<void> {
	const deadline = performance.now() + patience
	do {
		await flushPromises()
		gc!()
		await flushPromises()
	} while (!until() && performance.now() < deadline)
}
