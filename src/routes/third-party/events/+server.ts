import { produce } from 'sveltekit-sse'
import { sessionOf } from '../../../demo/sessions.server.js'
import { clients } from '../clients.server.js'
import type { RequestEvent } from './$types.js'

export function POST({ request }: RequestEvent) {
	const session = sessionOf(request)
	return produce(function start({ emit }) {
		// The client goes online …
		const emitters = clients.get(session) ?? new Set()
		clients.set(session, emitters.add(emit))
		return function stop() {
			// … and offline.
			emitters.delete(emit)
			if (emitters.size === 0) clients.delete(session)
		}
	})
}
