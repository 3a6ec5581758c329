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
	const id = name ?? callingFile()
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

/** The file that called `new Hub()`, without line and query, which change with each edit. */
function callingFile(): string | undefined {
	const lines = new Error().stack?.split('\n') ?? []
	const created = lines.findIndex((line) => /\bnew Hub\b/.test(line))
	const place = created < 0 ? undefined : lines[created + 1]
	return /((?:file:\/\/)?(?:[A-Za-z]:)?[/\\][^()]*?)(?:\?[^:)]*)?:\d+:\d+\)?$/.exec(
		place ?? ''
	)?.[1]
}
