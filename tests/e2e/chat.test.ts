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
})
