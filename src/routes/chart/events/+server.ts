import { produce } from 'sveltekit-sse'
import { followPulse, recentPulse } from '../../../demo/pulse.server.js'

export function POST() {
	return produce(function start({ emit }) {
		for (const sample of recentPulse()) emit('sample', sample)
		// What ends the following is a stop function already.
		return followPulse((sample) => emit('sample', sample))
	})
}
