import { produce } from 'sveltekit-sse'
import { Factory } from '../factory.js'

export function POST() {
	return produce(function start({ emit }) {
		const factory = new Factory((job) => emit('job', job))
		const timer = setInterval(() => factory.work(), 400)
		return function stop() {
			clearInterval(timer)
		}
	})
}
