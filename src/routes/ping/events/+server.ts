import { produce } from 'sveltekit-sse'
import type { RequestEvent } from './$types.js'

const intervals = [1_000, 2_000, 5_000]

export function POST({ url, request }: RequestEvent) {
	const asked = Number(url.searchParams.get('ping'))
	const ping = intervals.find((interval) => interval === asked) ?? 2_000
	return produce(
		function start({ emit }) {
			emit('message', 'Silence from here on.')
		},
		{ ping, request }
	)
}
