import { produce } from 'sveltekit-sse'

export const GET = ({ request }) =>
	produce(
		({ emit }) => {
			emit('order', { total: 4 })
			emit('order', { total: 5 })
		},
		{ request }
	)
