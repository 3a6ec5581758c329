import type { Locator } from 'playwright'
import { describe } from 'vitest'
import { expect, test } from './site.js'

describe('chat', () => {
	test('what one visitor says the others see, who comes later as well, and each sees who is here', async ({
		visit
	}) => {
		const ann = await visit('/chat')
		const bob = await visit('/chat')
		await ann.page.getByTestId('present').getByRole('listitem').nth(1).waitFor()
		const text = `Hello at ${Date.now()}`
		await ann.page.getByLabel('Message').fill(text)
		await ann.press('Say it')
		await bob.page.getByTestId('messages').getByText(text).waitFor()

		await bob.page.getByLabel('kitchen').check()
		await bob.page.getByTestId('messages').getByText(text).waitFor({ state: 'detached' })
		await bob.page.getByLabel('lobby').check()
		await bob.page.getByTestId('messages').getByText(text).waitFor()

		const late = await visit('/chat')
		await late.page.getByTestId('messages').getByText(text).waitFor()
		expect(late.streams).toEqual(['/chat/events'])
	})

	test('the newest message is in sight, unless one has scrolled up to read', async ({ visit }) => {
		const garden = await visit('/chat')
		const { page } = garden
		await page.getByLabel('garden').check()
		const messages = page.getByTestId('messages')
		const say = async (text: string) => {
			await page.getByLabel('Message').fill(text)
			await garden.press('Say it')
			await messages.getByText(text).waitFor()
			return messages.getByText(text)
		}
		const isInSight = (message: Locator) =>
			message.evaluate(
				(element) =>
					new Promise<boolean>((resolve) => {
						const root = element.closest('ol')
						const observer = new IntersectionObserver(
							([entry]) => {
								resolve(entry!.isIntersecting)
								observer.disconnect()
							},
							{ root }
						)
						observer.observe(element)
					})
			)
		const first = await say(`Hello at ${Date.now()}`)
		for (let number = 1; number <= 12; number++) {
			const said = await say(`Said for the ${number}th time at ${Date.now()}`)
			await expect.poll(() => isInSight(said)).toBe(true)
		}
		await expect.poll(() => isInSight(first)).toBe(false)

		await first.scrollIntoViewIfNeeded()
		const unseen = await say(`Said below at ${Date.now()}`)
		expect(await isInSight(unseen)).toBe(false)
		expect(await isInSight(first)).toBe(true)
	})
})
