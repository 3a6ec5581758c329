import { defineEvents, produce, typed } from 'sveltekit-sse'
import { feed } from '../../lib/orders'

const newer = defineEvents({ order: typed<{ id: string; cents: number }>() }, { version: 5 })
let isNewer = false

export const POST = ({ request }) =>
	produce(({ emit }) => void emit('order', { id: '1', cents: 900 }), {
		request,
		events: isNewer ? newer : feed
	})

/** The next version is deployed. */
export function PUT() {
	isNewer = true
	return new Response(null, { status: 204 })
}
