import { json } from '@sveltejs/kit'
import { deliver } from '../../clients.server.js'
import type { RequestEvent } from './$types.js'

/** Whatever can make a request reaches the visitor: a payment provider, a worker, a cron job. */
export async function POST({ params, request }: RequestEvent) {
	const body = await request.json().catch(() => undefined)
	return json({ delivered: deliver(params.session, body?.text, 'webhook') })
}
