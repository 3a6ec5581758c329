import { source } from 'sveltekit-sse'
import { feed } from './feed.js'

export function latestOrders(connection = source('/orders', { events: feed })) {
	return connection.select('order').list({ max: 20, key: ({ id }) => id })
}
