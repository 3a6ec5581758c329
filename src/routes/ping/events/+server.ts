import { produce } from 'sveltekit-sse'

const intervals = [1_000, 2_000, 5_000]

export function POST({ url, request }) {
	const asked = Number(url.searchParams.get('ping'))
	const ping = intervals.find((interval) => interval === asked) ?? 2_000
	return produce(
		function start({ emit }) {
			emit('message', 'Silence from here on.')
		},
		{ ping, request }
	)
}
