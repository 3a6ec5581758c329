import { assertNothingOpen, mockSource, restoreAll } from 'sveltekit-sse/testing'
import { flushSync, mount, unmount } from 'svelte'
import { afterEach, expect, test } from 'vitest'
import { feed } from '../browser/testing/feed.js'
import Orders from '../browser/testing/Orders.svelte'

afterEach(restoreAll)

test('a component in jsdom shows the latest order, and leaves nothing open', async () => {
	const connection = mockSource(feed, { linger: 0 })
	const component = mount(Orders, { target: document.body, props: { connection } })
	await connection.push('order', { id: '7', total: 3 })
	flushSync()
	expect(document.body.textContent).toContain('7: 3')
	await unmount(component)
	await assertNothingOpen()
})
