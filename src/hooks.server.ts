import type { Handle } from '@sveltejs/kit'
import { stats } from './demo/stats.server.js'

export const handle: Handle = async ({ event, resolve }) => {
	const response = await resolve(event)
	const type = response.headers.get('content-type') ?? ''
	if (type.startsWith('text/event-stream')) stats.streams++
	else if (type.startsWith('text/html')) stats.pages++
	return response
}
