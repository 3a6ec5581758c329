import { getRequestEvent, query } from '$app/server'
import { SseError } from 'sveltekit-sse'
import { hub } from './hub.server'
import { loadOrders, loops } from './orders.server'

export const orders = query.live(async function* () {
	const { signal } = getRequestEvent().request
	loops.running++
	try {
		while (!signal.aborted) {
			const after = await hub.cursor()
			yield await loadOrders()
			try {
				for await (const _ of hub.subscribe('orders', { after, signal })) yield await loadOrders()
			} catch (error) {
				if (!(error instanceof SseError) || error.code !== 'gap') throw error
			}
		}
	} finally {
		loops.running--
	}
})
