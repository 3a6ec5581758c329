import type { Contract } from '../contract/types.js'
import type { LogEntry } from './broker.js'
import { checkInTime } from './checking.js'
import type { HubEvent } from './types.js'

/** An entry of the log as server code sees it: text, or what the contract reads out of it. */
export async function decodeEvent<S>(
	contract: Contract<S> | undefined,
	entry: LogEntry
): Promise<HubEvent<S>> {
	const { topic, name, data, cursor, at } = entry
	return {
		topic,
		name,
		data: contract
			? await checkInTime(name, contract.decode(name, data), 'It was not delivered.')
			: data,
		cursor,
		at: new Date(at)
	} as HubEvent<S>
}
