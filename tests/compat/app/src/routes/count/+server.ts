import { produce } from 'sveltekit-sse'
import type { RequestHandler } from './$types'

export const POST: RequestHandler = ({ request }) => {
	return produce(
		({ emit }) => {
			let count = 0
			const timer = setInterval(() => {
				const { error } = emit('message', `${++count}`)
				if (error) clearInterval(timer)
			}, 100)
			return () => clearInterval(timer)
		},
		{ request }
	)
}
