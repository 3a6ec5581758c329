import { produce } from 'sveltekit-sse'
import { followPulse, recentPulse, type Sample } from '../../demo/pulse.server.js'
import { stats } from '../../demo/stats.server.js'
import { followVisitors } from '../../demo/visitors.server.js'

export function POST() {
	return produce(function start({ emit }) {
		const tell = (sample: Sample) => {
			emit('sample', sample)
			emit('streams', stats.streams)
		}
		recentPulse().forEach(tell)
		const leavers = [followPulse(tell), followVisitors((count) => emit('visitors', count))]
		return function stop() {
			for (const leave of leavers) leave()
		}
	})
}
