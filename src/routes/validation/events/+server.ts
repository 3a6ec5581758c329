import { sessionOf } from '../../../demo/sessions.server.js'
import { hub, stations } from '../stations.server.js'
import type { RequestEvent } from './$types.js'

export function POST({ request }: RequestEvent) {
	const session = sessionOf(request)
	return hub.stream(`station:${session}`, {
		request,
		start({ emit }) {
			stations.set(session, emit)
			return function stop() {
				if (stations.get(session) === emit) stations.delete(session)
			}
		}
	})
}
