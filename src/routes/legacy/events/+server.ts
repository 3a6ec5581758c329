import { produce } from 'sveltekit-sse'
import { streams } from '../streams.server.js'
import type { RequestEvent } from './$types.js'

export function POST({ request }: RequestEvent) {
	const visit = streams.of(request)
	return produce(function start({ emit }) {
		visit.open++
		let count = 0
		const tell = () => emit('message', { count: ++count, streams: visit.open })
		tell()
		const timer = setInterval(tell, 700)
		return function stop() {
			visit.open--
			clearInterval(timer)
		}
	})
}
