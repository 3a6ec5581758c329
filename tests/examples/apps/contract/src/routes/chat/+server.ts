import { produce } from 'sveltekit-sse'
import { feed } from '../../lib/chat'

export const POST = ({ request }) =>
	produce(
		({ emit }) => {
			emit('token', 'Hello')
			emit('seen', new Map([['Ann', new Date('2026-01-01T00:00:00Z')]]))
		},
		{ request, events: feed }
	)
