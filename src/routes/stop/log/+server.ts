import { produce } from 'sveltekit-sse'
import { visits, type Line } from '../visits.server.js'
import type { RequestEvent } from './$types.js'

export function POST({ request }: RequestEvent) {
	const visit = visits.of(request)
	return produce(function start({ emit }) {
		const follow = (line: Line) => emit('line', line)
		visit.lines.forEach(follow)
		visit.followers.add(follow)
		return function stop() {
			visit.followers.delete(follow)
		}
	})
}
