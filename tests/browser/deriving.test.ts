import { describe, expect } from 'vitest'
import { render } from 'vitest-browser-svelte'
import { deriveLoud } from './components/deriving.svelte.js'
import Hidden from './components/Hidden.svelte'
import StatusFirst from './components/StatusFirst.svelte'
import Toggle from './components/Toggle.svelte'
import { test } from './fixture.js'

// Svelte has not always kept these: below the lowest version that the package asks for, they fail.

test('a component that looks at the status before it reads sees it change', async ({ room }) => {
	const screen = await render(StatusFirst, { url: room.url })
	await room.until({ live: 1 })
	await expect.element(screen.getByTestId('status')).toHaveTextContent('idle open true')
	await screen.unmount()
	await room.until({ live: 0 })
})

describe('what is derived of a channel', () => {
	test('by a component is never stale, however often it is shown again', async ({
		room,
		connection
	}) => {
		const channel = connection.select('message')
		const screen = await render(Hidden, { channel, isShown: false })
		for (let round = 1; round <= 3; round++) {
			await screen.rerender({ isShown: true })
			await room.until({ live: 1, opened: round })
			for (const text of [`a${round}`, `b${round}`]) {
				await room.emit(['message', text])
				await expect.element(screen.getByTestId('text')).toHaveTextContent(text)
				await expect.element(screen.getByTestId('loud')).toHaveTextContent(text.toUpperCase())
				await expect.element(screen.getByTestId('own')).toHaveTextContent(`"${text.toUpperCase()}"`)
			}
			await screen.rerender({ isShown: false })
			await room.until({ live: 0 })
			expect(connection.status).toBe('idle')
		}
	})

	test('outside of components is never stale, and holds the connection while it is shown', async ({
		room,
		connection
	}) => {
		const loud = deriveLoud(connection.select('message'))
		for (let visit = 1; visit <= 3; visit += 2) {
			const screen = await render(Toggle, { channel: loud, isShown: true })
			for (const round of [visit, visit + 1]) {
				await screen.rerender({ isShown: true })
				await room.until({ live: 1, opened: round })
				for (const text of [`A${round}`, `B${round}`]) {
					await room.emit(['message', text.toLowerCase()])
					await expect.element(screen.getByTestId('value')).toHaveTextContent(`"${text}"`)
				}
				if (round === visit) await screen.rerender({ isShown: false })
				else await screen.unmount()
				await room.until({ live: 0 })
				expect(connection.status).toBe('idle')
			}
		}
	})

	test('catches up with what came while it was hidden', async ({ room, connection }) => {
		const channel = connection.select('message')
		const loud = deriveLoud(channel)
		connection.connect()
		await room.until({ live: 1 })
		const inside = await render(Hidden, { channel, isShown: true })
		const outside = await render(Toggle, { channel: loud, isShown: true })
		for (const text of ['A', 'B', 'C']) {
			await inside.rerender({ isShown: false })
			await outside.rerender({ isShown: false })
			const next = channel.next()
			await room.emit(['message', text.toLowerCase()])
			await next
			await inside.rerender({ isShown: true })
			await outside.rerender({ isShown: true })
			for (const shown of [text, `${text}2`]) {
				await expect.element(inside.getByTestId('loud')).toHaveTextContent(shown)
				await expect.element(inside.getByTestId('own')).toHaveTextContent(`"${shown}"`)
				await expect.element(outside.getByTestId('value')).toHaveTextContent(`"${shown}"`)
				await room.emit(['message', `${text.toLowerCase()}2`])
			}
		}
	})
})
