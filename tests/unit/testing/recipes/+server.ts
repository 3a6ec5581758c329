import { produce } from 'sveltekit-sse'
import { feed } from './feed.js'

const orders = [
	{ id: '1', total: 5 },
	{ id: '2', total: 7 }
]

export function POST({ request }: { request: Request }) {
	return produce(
		({ emit, lastEventId = '0' }) => {
			for (const order of orders) if (order.id > lastEventId) emit('order', order, { id: order.id })
		},
		{ request, resumed: true, events: feed }
	)
}
