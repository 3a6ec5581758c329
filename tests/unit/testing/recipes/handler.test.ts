import { collect, streamRequest } from 'sveltekit-sse/testing'
import { expect, test } from 'vitest'
import { POST } from './+server.js'
import { feed } from './feed.js'

test('sends the orders after the one that was seen last', async () => {
	const request = streamRequest('/orders', { lastEventId: '1' })
	const events = await collect(POST({ request }), { take: 1, events: feed })
	expect(events).toEqual([{ event: 'order', data: { id: '2', total: 7 }, id: '2' }])
})
