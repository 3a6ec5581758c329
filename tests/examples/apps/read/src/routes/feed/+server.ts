import { produce } from 'sveltekit-sse'

export const GET = ({ request }) =>
	produce(({ emit }) => void emit('price', '900', { id: '1' }), { request })
