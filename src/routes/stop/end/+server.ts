import { visits } from '../visits.server.js'

export function POST({ request, url }) {
	const { stream } = visits.of(request)
	if (url.searchParams.get('how') === 'lock') stream?.lock.set(false)
	else stream?.close('denied')
	return new Response(null, { status: 204 })
}
