import { http } from 'msw'
import { setupServer } from 'msw/node'
import { produce, source } from 'sveltekit-sse'
import { actAsClient, restoreAll } from 'sveltekit-sse/testing'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { feed } from './feed.js'

const server = setupServer(
	http.post('http://localhost/orders', ({ request }) =>
		produce(({ emit }) => void emit('order', { id: '1', total: 5 }), { request, events: feed })
	)
)
beforeAll(() => server.listen())
afterEach(restoreAll)
afterAll(() => server.close())

test('MSW answers with what produce() returns', async () => {
	actAsClient()
	const connection = source('/orders', { events: feed })
	expect(await connection.select('order').next()).toEqual({ id: '1', total: 5 })
	connection.close()
})
