import { json } from '@sveltejs/kit'
import { sessions } from '../locks.server.js'
import type { RequestEvent } from './$types.js'

export function POST({ request }: RequestEvent) {
	const { stream } = sessions.of(request)
	if (!stream) return json({ error: 'No stream is open.' })
	stream.lock.set(false)
	const { error } = stream.emit('left', 'I have a bad feeling about this…')
	return json({ error: error && error.message })
}
