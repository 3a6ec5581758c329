import { invalid } from '../parts/check.js'
import type { BrokerHistory } from './broker.js'

export const defaultHistory = { events: 10_000, age: 3_600_000 }

/** If a bound is no number from 0 (or `Infinity` for none), throws. */
export function checkBounds<T extends object>(history: T): T {
	for (const [name, value] of Object.entries(history)) {
		if (typeof value === 'number' && value >= 0) continue
		throw invalid(`\`history.${name}\``, 'a number, 0 or more, or Infinity for no bound', value)
	}
	return history
}

/** Fewer entries than this are never kept: a burst must not be trimmed before other processes have read it. */
const leastEvents = 1_000

/** The bounds of a log that other processes follow over the network, as whole numbers. */
export function sharedBounds(history: BrokerHistory = {}): Required<BrokerHistory> {
	const { events = defaultHistory.events, age = defaultHistory.age } = history
	checkBounds({ events, age })
	return { events: Math.ceil(Math.max(events, leastEvents)), age: Math.ceil(age) }
}
