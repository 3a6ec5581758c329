/**
 * For tests of a whole app, in Node.
 *
 * @module sveltekit-sse/testing/node
 */

import { TcpFaultProxy } from './faults/fault-proxy.js'
import type { FaultProxy } from './faults/types.js'

export type { FaultControls, Settings, Sizes } from './faults/settings.js'
export type { Answer, FaultConnection, FaultProxy } from './faults/types.js'

/**
 * Starts a proxy on a free loopback port that can cut, reset, stall, delay, throttle, split, swallow and answer in the
 * place of the server: for tests of a whole app, in Node.
 *
 * @param target the port that the app listens on.
 *
 * @example
 * ```ts
 * import { startFaultProxy } from 'sveltekit-sse/testing/node'
 *
 * await using proxy = await startFaultProxy(3000)
 * const response = await fetch(`${proxy.url}/events`)
 * proxy.answer({ status: 502 }, 2)
 * proxy.reset()
 * await proxy.until(() => proxy.requests === 3)
 * ```
 */
export async function startFaultProxy(target: number): Promise<FaultProxy> {
	const proxy = new TcpFaultProxy(target)
	await proxy.accept()
	return proxy
}
