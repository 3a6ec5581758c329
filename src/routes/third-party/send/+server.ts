import { json } from '@sveltejs/kit'
import { sessionOf } from '../../../demo/sessions.server.js'
import { deliver } from '../clients.server.js'
import type { RequestEvent } from './$types.js'

/** What the form of the page sends. */
export async function POST({ request }: RequestEvent) {
	const body = await request.json().catch(() => undefined)
	return json({ delivered: deliver(sessionOf(request), body?.text, 'form') })
}
