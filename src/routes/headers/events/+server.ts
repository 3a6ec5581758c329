import { produce } from 'sveltekit-sse'
import type { RequestEvent } from './$types.js'

export function POST({ request: { headers } }: RequestEvent) {
	const authorization = headers.get('authorization')
	if (authorization !== 'Bearer open-sesame') {
		return new Response(`The cave does not open to “${authorization}”.`, { status: 401 })
	}
	return produce(function start({ emit }) {
		emit('headers', {
			accept: headers.get('accept'),
			authorization,
			'x-flavour': headers.get('x-flavour')
		})
		let count = 0
		const timer = setInterval(() => emit('message', ++count), 500)
		return function stop() {
			clearInterval(timer)
		}
	})
}
