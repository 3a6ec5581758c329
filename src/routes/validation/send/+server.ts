import { error, json } from '@sveltejs/kit'
import { sessionOf } from '../../../demo/sessions.server.js'
import { forgotten, stations } from '../stations.server.js'
import type { RequestEvent } from './$types.js'

/** Sends a reading to the page that asks for it, and says what came of it. */
export async function POST({ request, url }: RequestEvent) {
	const session = sessionOf(request)
	const text = await request.text()
	if (text.length > 200) error(413, 'That is more than a station has to say.')
	const reading = parse(text)
	if (url.searchParams.has('unchecked')) {
		const { error } = await forgotten.publish(`station:${session}`, 'reading', reading)
		return json({ error: error && error.message })
	}
	const emit = stations.get(session)
	if (!emit) error(404, 'The page is not connected.')
	// It never throws: what is wrong stands in the result, and nothing was sent.
	const result = emit('reading', reading)
	return json({ error: result.error && result.error.message })
}

function parse(text: string) {
	try {
		return JSON.parse(text)
	} catch {
		error(400, 'A reading is sent as JSON.')
	}
}
