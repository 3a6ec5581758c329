import { assertNothingOpen } from 'sveltekit-sse/testing'
import { expect, test } from 'vitest'
import { render } from 'vitest-browser-svelte'
import orders, { ConnectionLost, WithAnOrder } from './Orders.stories.js'

/** Shows a story in the order of Storybook's own steps. */
async function show(story: typeof WithAnOrder) {
	const context = { args: {} } as Parameters<typeof orders.beforeEach>[0]
	const restore = orders.beforeEach(context)
	const screen = await render(orders.component, context.args)
	await story.play(context)
	return { screen, restore }
}

test('a story shows what its play function pushes', async () => {
	const { screen, restore } = await show(WithAnOrder)
	await expect.element(screen.getByText('7: 3')).toBeVisible()
	await screen.unmount()
	restore()
	await assertNothingOpen()
})

test('a story shows a connection that stays lost', async () => {
	const { screen, restore } = await show(ConnectionLost)
	await expect.element(screen.getByText('One moment…')).toBeVisible()
	await expect.element(screen.getByText('7: 3')).toBeVisible()
	await screen.unmount()
	restore()
	await assertNothingOpen()
})
