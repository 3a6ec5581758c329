import { produce } from 'sveltekit-sse'
import { clock } from '../../lib/clock'

export const POST = ({ request }) =>
	produce(({ emit }) => void emit('at', '2026-01-01T00:00:00Z'), { request, events: clock })
