import { produce, type ProducerConnection } from 'sveltekit-sse'
import {
	assertNothingOpen,
	flushPromises,
	manualClock,
	memoryFetch,
	restoreAll
} from 'sveltekit-sse/testing'
import { afterEach, expect, test } from 'vitest'
import { render } from 'vitest-browser-svelte'
import { feed } from './feed.js'
import Orders from './Orders.svelte'

afterEach(restoreAll)

test('a component that makes its own connection reaches a handler in memory', async () => {
	const POST = () =>
		produce(({ emit }) => void emit('order', { id: '1', total: 5 }), { events: feed })
	memoryFetch({ '/orders': { POST } }).install()
	const screen = await render(Orders)
	await expect.element(screen.getByText('1: 5')).toBeVisible()
})

test('a component shows what the network does, and leaves nothing open', async () => {
	const clock = manualClock()
	let server!: ProducerConnection
	const fetch = memoryFetch({ '/orders': () => produce((given) => void (server = given)) })
	fetch.install()
	const screen = await render(Orders)
	await flushPromises()
	server.emit('order', { id: '1' })
	await expect.element(screen.getByRole('alert')).toBeVisible()
	await fetch.drop()
	await expect.element(screen.getByText('One moment…')).toBeVisible()
	await clock.advance(1_000)
	await expect.element(screen.getByText('One moment…')).not.toBeInTheDocument()
	server.emit('order', { id: '2', total: 7 })
	await expect.element(screen.getByText('2: 7')).toBeVisible()
	await expect.element(screen.getByRole('alert')).not.toBeInTheDocument()
	await screen.unmount()
	await clock.advance(100)
	await assertNothingOpen()
})
