import { hub } from '../../lib/server/hub'
import { indexed } from '../../stand-ins'

const ended = new AbortController()

/** Begins to index, until it is told to end. */
export function POST() {
	void run(ended.signal)
	return new Response(null, { status: 204 })
}

export const GET = () => Response.json(indexed)

export function DELETE() {
	ended.abort()
	return new Response(null, { status: 204 })
}

async function run(signal: AbortSignal) {
	// @fragment for await (const { name, data, cursor } of hub.subscribe('orders', { signal })) await index(data)
}
