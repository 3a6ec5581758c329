import { produce } from 'sveltekit-sse'
import { feed } from '../../lib/feed'

export const POST = ({ request }) =>
	produce(({ emit }) => void emit('order', { id: '1', total: 9 }), { request, events: feed })
