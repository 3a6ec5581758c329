import type { EventsOf } from 'sveltekit-sse'
import { manualClock, mockSource, restoreAll, type MockSource } from 'sveltekit-sse/testing'
import { feed } from './feed.js'
import Orders from './Orders.svelte'

interface Story {
	args: { connection: MockSource<EventsOf<typeof feed>> }
}

export default {
	component: Orders,
	beforeEach({ args }: Story) {
		// Time stands still: what is lost stays lost while you look at it.
		manualClock()
		args.connection = mockSource(feed)
		return restoreAll
	}
}

export const WithAnOrder = {
	play: ({ args }: Story) => args.connection.push('order', { id: '7', total: 3 })
}

export const ConnectionLost = {
	async play({ args }: Story) {
		await args.connection.push('order', { id: '7', total: 3 })
		await args.connection.drop()
	}
}
