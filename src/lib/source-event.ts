import type { Transition } from './link/link.js'
import type { Reason } from './link/types.js'
import type { SourceEvent } from './source-options.js'

/** What this side does, not the server. */
const localReasons: readonly Reason[] = ['unused', 'local', 'aborted', 'hidden', 'away']

/** What a callback hears of one step of the connection. */
export function describeTransition(
	name: string,
	{ reason, status, error, attempt, delay, response }: Transition
): Omit<SourceEvent, 'id' | 'connect' | 'close'> {
	return {
		event: name,
		name,
		data: '',
		isLocal: localReasons.includes(reason),
		status: response?.status ?? 0,
		statusText: response?.statusText ?? '',
		headers: response?.headers ?? new Headers(),
		response,
		error,
		reason,
		willReconnect: status === 'reconnecting',
		delay,
		attempt
	}
}
