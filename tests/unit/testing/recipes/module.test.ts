import { mockSource, restoreAll } from 'sveltekit-sse/testing'
import { afterEach, expect, test } from 'vitest'
import { feed } from './feed.js'
import { latestOrders } from './orders.js'

afterEach(restoreAll)

test('keeps the newest state of each order', async () => {
	const connection = mockSource(feed)
	const orders = latestOrders(connection)
	orders.subscribe(() => {})
	await connection.push('order', { id: '1', total: 5 })
	await connection.push('order', { id: '1', total: 6 })
	expect(orders.current).toEqual([{ id: '1', total: 6 }])
})
