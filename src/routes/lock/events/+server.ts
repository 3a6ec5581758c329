import { produce } from 'sveltekit-sse'
import { sessions } from '../locks.server.js'
import type { RequestEvent } from './$types.js'

export function POST({ request }: RequestEvent) {
	const session = sessions.of(request)
	return produce(function start(stream) {
		const { emit, lock } = stream
		session.stream = stream
		let left = 10
		emit('left', left)
		const timer = setInterval(() => {
			emit('left', --left)
			if (left === 0) lock.set(false)
		}, 1_000)
		return function stop() {
			clearInterval(timer)
			if (session.stream === stream) session.stream = undefined
		}
	})
}
