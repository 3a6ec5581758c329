import { produce } from 'sveltekit-sse'
import { visits } from '../visits.server.js'
import type { RequestEvent } from './$types.js'

export function POST({ request }: RequestEvent) {
	const visit = visits.of(request)
	return produce(
		function start(stream) {
			visit.stream = stream
			visit.log('start: a timer runs')
			let count = 0
			const timer = setInterval(() => stream.emit('count', ++count), 500)

			stream.signal.addEventListener('abort', () => visit.log('signal: aborted'))

			return function stop(_, reason) {
				clearInterval(timer)
				visit.log(`returned function: timer cleared after ${count} events (${reason})`)
			}
		},
		{
			request,
			stop(_, reason) {
				visit.stream = undefined
				visit.log(`stop option: the stream has ended (${reason})`)
			}
		}
	)
}
