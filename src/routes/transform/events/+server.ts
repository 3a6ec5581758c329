import { produce } from 'sveltekit-sse'

export function POST() {
	return produce(function start({ emit }) {
		let celsius = 19
		const measure = () => {
			// A walk that is drawn back to 19 degrees.
			celsius += (19 - celsius) * 0.1 + (Math.random() - 0.5) * 4
			emit('message', celsius.toFixed(1))
		}
		measure()
		const timer = setInterval(measure, 1_000)
		return function stop() {
			clearInterval(timer)
		}
	})
}
