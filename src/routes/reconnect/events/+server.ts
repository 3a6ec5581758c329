import { produce } from 'sveltekit-sse'
import { visits } from '../visits.server.js'
import type { RequestEvent } from './$types.js'

export function POST({ request }: RequestEvent) {
	const visit = visits.of(request)
	const number = ++visit.connections
	return produce(function start({ emit }) {
		emit('connection', number)
		const tick = () => emit('message', new Date().toISOString().slice(11, 19))
		tick()
		const timer = setInterval(tick, 1_000)
		return function stop() {
			clearInterval(timer)
		}
	})
}
