import { hub } from '../../lib/server/hub'

export function POST({ request, locals }) {
	const id = '7'
	const user = locals.user!
	// @fragment return hub.stream(`room:${id}`, { request, member: { id: user.id, meta: { name: user.name } } })
}
