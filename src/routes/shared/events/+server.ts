import { error } from '@sveltejs/kit'
import { produce } from 'sveltekit-sse'
import { streams } from '../streams.server.js'
import type { RequestEvent } from './$types.js'

export function POST({ request }: RequestEvent) {
	const visit = streams.of(request)
	if (visit.open >= 10) error(429, 'Ten streams are enough for one visitor.')
	return produce(function start({ emit }) {
		visit.open++
		const tell = () => emit('streams', visit.open)
		tell()
		const timer = setInterval(() => {
			tell()
			emit('random', Math.floor(Math.random() * 100))
		}, 500)
		return function stop() {
			visit.open--
			clearInterval(timer)
		}
	})
}
