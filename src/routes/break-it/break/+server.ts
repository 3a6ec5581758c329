import { visits } from '../visit.server.js'

export function POST({ request, url }) {
	visits.of(request).break(url.searchParams.get('how') ?? 'cut')
	return new Response(null, { status: 204 })
}
