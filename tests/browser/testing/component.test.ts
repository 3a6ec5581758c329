import { mockSource, restoreAll } from 'sveltekit-sse/testing'
import { afterEach, expect, test } from 'vitest'
import { render } from 'vitest-browser-svelte'
import { feed } from './feed.js'
import Orders from './Orders.svelte'

afterEach(restoreAll)

test('shows the latest order', async () => {
	const connection = mockSource(feed)
	const screen = await render(Orders, { connection })
	await connection.push('order', { id: '7', total: 3 })
	await expect.element(screen.getByText('7: 3')).toBeVisible()
})
