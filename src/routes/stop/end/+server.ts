import { visits } from '../visits.server.js'
import type { RequestEvent } from './$types.js'

export function POST({ request, url }: RequestEvent) {
	const { stream } = visits.of(request)
	if (url.searchParams.get('how') === 'lock') stream?.lock.set(false)
	else stream?.close('denied')
	return new Response(null, { status: 204 })
}
