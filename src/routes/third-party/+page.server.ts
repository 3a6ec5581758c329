import { fail } from '@sveltejs/kit'
import type { Actions } from './$types.js'
import { clients } from './clients.server.js'

export function load() {
	return { session: crypto.randomUUID() }
}

export const actions = {
	async default({ request }) {
		const form = await request.formData()
		const session = String(form.get('session'))
		const text = String(form.get('text')).slice(0, 500)
		const emitters = clients.get(session)
		if (!emitters) return fail(404, { problem: 'Nobody is online under this session.' })
		for (const emit of emitters) emit('message', { text, from: 'form' })
	}
} satisfies Actions
