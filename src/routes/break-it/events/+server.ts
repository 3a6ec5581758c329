import { visits } from '../visit.server.js'
import type { RequestEvent } from './$types.js'

export function POST({ request }: RequestEvent) {
	return visits.of(request).open(request)
}
