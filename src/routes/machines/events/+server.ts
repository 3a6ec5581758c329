import { error, json } from '@sveltejs/kit'
import { sessionOf } from '../../../demo/sessions.server.js'
import { hub, kill, say, site } from '../hub.server.js'
import type { RequestEvent } from './$types.js'

/** The same events by every process. The visitor is told which one this is, and so are all others, by presence. */
export function POST({ request }: RequestEvent) {
	return hub.stream('machines', {
		request,
		start: ({ emit }) => void emit('machine', site.self),
		member: { id: sessionOf(request), meta: site.self }
	})
}

/** Publishes from whichever process this request came to. */
export async function PUT() {
	const { error: problem } = await say('by a button')
	if (problem) error(503, problem.message)
	return json(site.self)
}

/** Ends a process, wherever this request came to. */
export async function DELETE({ url }: RequestEvent) {
	if (site.count === 1) error(409, 'This is the only process.')
	const { error: problem } = await kill(Number(url.searchParams.get('pid')))
	if (problem) error(503, problem.message)
	return new Response(null, { status: 204 })
}
