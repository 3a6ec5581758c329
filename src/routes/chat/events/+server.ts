import { error, json } from '@sveltejs/kit'
import { sessionOf } from '../../../demo/sessions.server.js'
import { hub } from '../hub.server.js'
import { isRoom, type Said } from '../rooms.js'
import type { RequestEvent } from './$types.js'

/** The stream of one room: what was said last, and from then on everything, on whichever machine it is said. */
export function POST({ request, url }: RequestEvent) {
	return hub.stream(`room:${roomOf(url)}`, {
		request,
		last: 30,
		member: { id: sessionOf(request), meta: nameOf(request) }
	})
}

/** Says something. Any machine will do. */
export async function PUT({ request, url }: RequestEvent) {
	const room = roomOf(url)
	// Two may be said in one millisecond.
	const key = `${sessionOf(request)}-${crypto.randomUUID()}`
	const body: unknown = await request.json().catch(() => undefined)
	const text = typeof body === 'string' ? body.trim().slice(0, 300) : ''
	if (!text) error(400, 'There is nothing to say.')
	const said: Said = { key, name: nameOf(request), text, at: Date.now() }
	const { error: problem } = await hub.publish(`room:${room}`, 'said', said)
	if (problem) error(503, problem.message)
	return json(said)
}

function roomOf(url: URL) {
	const room = url.searchParams.get('room')
	if (!isRoom(room)) error(404, 'There is no such room.')
	return room
}

function nameOf(request: Request): string {
	return decodeURIComponent(request.headers.get('visitor') ?? 'somebody').slice(0, 40)
}
