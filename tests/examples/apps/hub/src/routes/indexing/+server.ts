import { keepIndex } from '../../lib/server/indexing'
import { indexed } from '../../stand-ins'

const ended = new AbortController()

/** Begins to index, until it is told to end. */
export function POST() {
	void keepIndex(ended.signal)
	return new Response(null, { status: 204 })
}

export const GET = () => Response.json(indexed)

export function DELETE() {
	ended.abort()
	return new Response(null, { status: 204 })
}
