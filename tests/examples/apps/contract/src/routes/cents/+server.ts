import { produce } from 'sveltekit-sse'
import { feed } from '../../lib/orders'

export const POST = ({ request }) =>
	produce(({ emit }) => void emit('order', { id: '1', cents: 900 }), { request, events: feed })
