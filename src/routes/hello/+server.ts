import { produce } from 'sveltekit-sse'

export function POST() {
	return produce(function start({ emit }) {
		const timer = setInterval(() => emit('message', `the time is ${Date.now()}`), 1_000)
		return function stop() {
			clearInterval(timer)
		}
	})
}
