import { visits } from '../visit.server.js'
import type { RequestEvent } from './$types.js'

export function POST({ request, url }: RequestEvent) {
	visits.of(request).break(url.searchParams.get('how') ?? 'cut')
	return new Response(null, { status: 204 })
}
