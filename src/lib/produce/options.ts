import { longestDelay } from '../clock.js'
import { checkContract } from '../contract/internals.js'
import { checkHeaders, invalid } from '../parts/check.js'
import type { ProduceOptions } from './types.js'

export const defaults = { ping: 30_000, maxBuffer: 16 * 1024 * 1024, overflow: 'close' } as const

/** Milliseconds: Bun closes a connection that is silent for 10 s. */
const bunPing = 8_000

/** The interval of the heartbeats where the user does not say; `usual` is that of other runtimes than Bun. */
export function defaultPing(usual: number = defaults.ping): number {
	return 'Bun' in globalThis ? Math.min(usual, bunPing) : usual
}

/** What stands for options that were not given: one for all streams, since each of ten thousand would keep its own. */
export const none = Object.freeze({})

const policies = ['close', 'drop-oldest', 'refuse']

/** Refuses options that could only fail later, and says what to write instead. */
export function checkOptions(options: ProduceOptions<never>): void {
	if (typeof options !== 'object' || options === null)
		throw invalid('`options`', 'an object such as { ping: 30_000 }', options)
	const { ping, maxBuffer, maxDuration, overflow, retry } = options
	const { stop, error, request, headers, events, resumed } = options
	if (ping !== undefined && ping !== false && !isDelay(ping))
		throw invalid('`ping`', 'milliseconds above 0, or false for none', ping)
	if (maxDuration !== undefined && !isDelay(maxDuration))
		throw invalid('`maxDuration`', 'milliseconds above 0', maxDuration)
	if (maxBuffer !== undefined && !(typeof maxBuffer === 'number' && maxBuffer > 0))
		throw invalid('`maxBuffer`', 'bytes above 0', maxBuffer)
	if (overflow !== undefined && !policies.includes(overflow))
		throw invalid('`overflow`', `one of ${policies.join(', ')}`, overflow)
	if (retry !== undefined && !(Number.isSafeInteger(retry) && retry >= 0))
		throw invalid('`retry`', 'whole milliseconds, 0 or more', retry)
	if (resumed !== undefined && typeof resumed !== 'boolean')
		throw invalid('`resumed`', 'true if the stream goes on behind `lastEventId`', resumed)
	if (stop !== undefined && typeof stop !== 'function') throw invalid('`stop`', 'a function', stop)
	if (error !== undefined && typeof error !== 'function')
		throw invalid('`error`', 'a function', error)
	if (request !== undefined && !(request?.headers && request.signal))
		throw invalid('`request`', "the handler's Request, as in POST({ request })", request)
	if (headers !== undefined) checkHeaders(headers)
	checkContract(events)
}

function isDelay(value: unknown): value is number {
	return typeof value === 'number' && value > 0 && value <= longestDelay
}
