import type { Contract } from '../contract/types.js'
import { SseError } from '../errors.js'
import { within } from '../parts/within.js'
import type { LogEntry } from './broker.js'
import type { HubEvent } from './types.js'

/** Milliseconds that a schema may take. */
const mostChecking = 5_000

/** An entry of the log as server code sees it: text, or what the contract reads out of it. */
export async function decodeEvent<S>(
	contract: Contract<S> | undefined,
	entry: LogEntry
): Promise<HubEvent<S>> {
	const { topic, name, data, cursor, at } = entry
	return {
		topic,
		name,
		data: contract ? await decode(contract, name, data) : data,
		cursor,
		at: new Date(at)
	} as HubEvent<S>
}

async function decode<S>(contract: Contract<S>, name: string, data: string): Promise<unknown> {
	const decoded = Promise.resolve(contract.decode(name, data))
	return within(decoded, mostChecking, () => {
		const message = `The schema of '${name}' did not come to an end within ${mostChecking} ms.`
		return new SseError('validation', message)
	})
}
