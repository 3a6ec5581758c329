import { source } from 'sveltekit-sse'
import { assertNothingOpen, memoryFetch, restoreAll } from 'sveltekit-sse/testing'
import { afterEach, expect, test } from 'vitest'
import * as orders from './+server.js'
import { feed } from './feed.js'

afterEach(restoreAll)

test('the page sees what the endpoint sends', async () => {
	const fetch = memoryFetch({ '/orders': orders })
	const connection = source('/orders', { events: feed, fetch })
	expect(await connection.select('order').next()).toEqual({ id: '1', total: 5 })
	connection.close()
	await assertNothingOpen()
})
