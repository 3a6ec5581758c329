import { error } from '@sveltejs/kit'
import type { Emit } from 'sveltekit-sse'

/** Who is online: the emitters of each session, one for each of its streams. */
export const clients = new Map<string, Set<Emit>>()

/** Sends a text to a session, and returns how many streams it went to. */
export function deliver(session: string, text: unknown, from: 'form' | 'webhook'): number {
	if (typeof text !== 'string' || text.length > 500) {
		error(400, 'Send { "text": "…" }, with 500 characters at most.')
	}
	const emitters = clients.get(session)
	if (!emitters) error(404, 'Nobody is online under this session.')
	for (const emit of emitters) emit('message', { text, from })
	return emitters.size
}
