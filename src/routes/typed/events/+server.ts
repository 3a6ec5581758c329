import { produce } from 'sveltekit-sse'
import { feed, type Train } from '../feed.js'
import type { RequestEvent } from './$types.js'

const towns = ['Aarhus', 'Bergen', 'Gdańsk', 'Leiden', 'Porto', 'Uppsala']

export function POST({ request }: RequestEvent) {
	return produce(
		function start({ emit }) {
			const platforms = new Map<number, Train>()
			let number = 100

			function announce() {
				const train: Train = {
					number: ++number,
					to: towns[number % towns.length]!,
					leaves: new Date(Date.now() + 90_000)
				}
				platforms.set((number % 3) + 1, train)
				emit('departure', train)
				emit('platforms', platforms)
			}

			announce()
			const timer = setInterval(announce, 1_500)
			return () => clearInterval(timer)
		},
		{ request, events: feed }
	)
}
