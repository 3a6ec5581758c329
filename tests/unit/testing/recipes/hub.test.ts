import { source } from 'sveltekit-sse'
import { Hub } from 'sveltekit-sse/hub'
import { flushPromises, memoryFetch, restoreAll } from 'sveltekit-sse/testing'
import { afterEach, expect, test } from 'vitest'
import { feed } from './feed.js'

afterEach(restoreAll)

test('what is published reaches everyone on the topic, and nobody else', async () => {
	const hub = new Hub({ events: feed })
	const fetch = memoryFetch({
		'/shops/[shop]': ({ request, params }: { request: Request; params: { shop: string } }) =>
			hub.stream(`shop:${params.shop}`, { request })
	})
	const seen: string[] = []
	for (const shop of ['a', 'b']) {
		const connection = source(`/shops/${shop}`, { events: feed, fetch })
		connection.select('order').on(({ id }) => seen.push(`${shop} sees ${id}`))
	}
	await flushPromises()
	await hub.publish('shop:a', 'order', { id: '1', total: 5 })
	await flushPromises()
	expect(seen).toEqual(['a sees 1'])
	await hub.close()
})
