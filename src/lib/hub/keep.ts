import { callingFiles } from '../dev-server.js'
import type { Broker } from './broker.js'
import type { HubCore } from './core.js'

/** Kept on globalThis, since a development server loads this module anew as well. */
const key = Symbol.for('sveltekit-sse.hubs')

/**
 * In development: the hub that a file made before it was changed, with its clients and its log, or a new one.
 *
 * @param name tells hubs apart; without one, the file does that makes the hub
 */
export function keep(
	name: string | undefined,
	create: () => HubCore,
	broker: Broker | undefined
): HubCore {
	const hubs = ((globalThis as Record<symbol, unknown>)[key] ??= new Map()) as Map<string, HubCore>
	const id = name ?? callingFiles()[0]
	if (id === undefined) return create()
	const known = hubs.get(id)
	if (known && !known.isClosed) {
		// Nothing uses the new one: the kept hub has the broker that it was made with.
		if (broker && broker !== known.broker) void broker.close()
		return known
	}
	const hub = create()
	hubs.set(id, hub)
	return hub
}
