import { produce } from 'sveltekit-sse'

export function POST() {
	return produce(function start({ emit }) {
		const tick = () => emit('message', new Date().toISOString())
		tick()
		const timer = setInterval(tick, 1_000)
		return function stop() {
			clearInterval(timer)
		}
	})
}
