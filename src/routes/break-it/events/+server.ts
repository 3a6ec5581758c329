import { visits } from '../visit.server.js'

export function POST({ request }) {
	return visits.of(request).open(request)
}
