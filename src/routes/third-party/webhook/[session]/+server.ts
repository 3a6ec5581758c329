import { error, json } from '@sveltejs/kit'
import { clients } from '../../clients.server.js'
import type { RequestEvent } from './$types.js'

/** Whatever can make a request reaches the visitor: a payment provider, a worker, a cron job. */
export async function POST({ params, request }: RequestEvent) {
	const body = await request.json().catch(() => undefined)
	const text: unknown = body?.text
	if (typeof text !== 'string' || text.length > 500) {
		error(400, 'Send { "text": "…" }, with 500 characters at most.')
	}
	const emitters = clients.get(params.session)
	if (!emitters) error(404, 'Nobody is online under this session.')
	for (const emit of emitters) emit('message', { text, from: 'webhook' })
	return json({ delivered: emitters.size })
}
