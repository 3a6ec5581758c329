import { describe, expect } from 'vitest'
import { render } from 'vitest-browser-svelte'
import Derived from './components/Derived.svelte'
import Destroyed from './components/Destroyed.svelte'
import Inline from './components/Inline.svelte'
import Legacy from './components/Legacy.svelte'
import List from './components/List.svelte'
import Runes from './components/Runes.svelte'
import Shared from './components/Shared.svelte'
import {
	connection as sharedConnection,
	room as sharedRoom
} from './components/module-state.svelte.js'
import { test } from './fixture.js'
import { Room } from './room.js'

describe('a component', () => {
	test('in runes mode shows state, store, status and what is derived', async ({ room }) => {
		const screen = await render(Runes, { url: room.url })
		await room.until({ live: 1 })
		await expect.element(screen.getByTestId('status')).toHaveTextContent('open')
		await room.emit(['message', 'hello'])
		await expect.element(screen.getByTestId('value')).toHaveTextContent('hello')
		await expect.element(screen.getByTestId('store')).toHaveTextContent('hello')
		await expect.element(screen.getByTestId('loud')).toHaveTextContent('HELLO 5')
		await screen.unmount()
		expect(await room.until({ live: 0 })).toMatchObject({ opened: [null] })
	})

	test('in legacy mode sees every event by `$channel`, equal ones too', async ({ room }) => {
		const screen = await render(Legacy, { url: room.url })
		await room.until({ live: 1 })
		await room.emit(['message', 'a'])
		await expect.element(screen.getByTestId('loud')).toHaveTextContent('A')
		await room.emit(['message', 'b'])
		await expect.element(screen.getByTestId('value')).toHaveTextContent('b')
		await expect.element(screen.getByTestId('seen')).toHaveTextContent('3')
		await screen.unmount()
		await room.until({ live: 0 })
	})

	test('destroyed before the response is there leaves nothing, and raises nothing', async ({
		room
	}) => {
		for (let round = 0; round < 10; round++) {
			const { unmount } = await render(Destroyed, { url: room.url })
			await unmount()
		}
		await room.until({ live: 0 })
	})

	// Each run of the template's effect makes a source of its own, and state that an effect makes it does not track.
	test('with a source in its template shows each event, and does not loop', async ({ room }) => {
		let renders = 0
		const screen = await render(Inline, { url: room.url, rendered: () => renders++ })
		await room.until({ live: 1 })
		for (const text of ['a', 'b']) {
			await room.emit(['message', text])
			await expect.element(screen.getByTestId('value')).toHaveTextContent(text)
		}
		expect(renders).toBe(3)
		await screen.unmount()
		expect(await room.until({ live: 0 })).toMatchObject({ opened: [null] })
	})

	test('with a source that is derived follows its URL', async ({ room }) => {
		const other = new Room()
		const screen = await render(Derived, { url: room.url })
		for (const current of [room, other]) {
			await screen.rerender({ url: current.url })
			await current.until({ live: 1 })
			for (const text of ['"a"', '"b"']) {
				await current.emit(['message', text])
				await expect.element(screen.getByTestId('value')).toHaveTextContent(text)
				await expect.element(screen.getByTestId('text')).toHaveTextContent(text.slice(1, -1))
			}
		}
		expect(await room.until({ live: 0 })).toMatchObject({ opened: [null] })
		await screen.unmount()
		expect(await other.until({ live: 0 })).toMatchObject({ opened: [null] })
	})

	test('shows lists, sums and JSON of a burst, complete and in order', async ({ room }) => {
		const screen = await render(List, { url: room.url })
		await expect.element(screen.getByTestId('order')).toHaveTextContent('-1')
		await room.until({ live: 1 })
		const items = Array.from({ length: 1_000 }, (_, index) => index)
		await room.emit(...items.map((item): [string, number] => ['item', item]))
		await expect.element(screen.getByTestId('order')).toHaveTextContent('999')
		await expect.element(screen.getByTestId('sum')).toHaveTextContent(`${(999 * 1_000) / 2}`)
		await expect.element(screen.getByTestId('items')).toHaveTextContent(items.join())
		await room.emit(['item', 'no JSON'])
		await expect.element(screen.getByTestId('items')).toHaveTextContent(`${items.join()},no JSON`)
		await expect.element(screen.getByTestId('order')).toHaveTextContent('999')
	})
})

test('state of a module is shared by the components that read it', async () => {
	const first = await render(Shared, { label: 'first' })
	const second = await render(Shared, { label: 'second' })
	await sharedRoom.until({ live: 1 })
	await sharedRoom.emit(['message', 'hello'])
	await expect.element(first.getByTestId('first')).toHaveTextContent('HELLO')
	await expect.element(second.getByTestId('second')).toHaveTextContent('HELLO')
	await first.unmount()
	await sharedRoom.emit(['message', 'still here'])
	await expect.element(second.getByTestId('second')).toHaveTextContent('STILL HERE')
	await second.unmount()
	expect(await sharedRoom.until({ live: 0 })).toMatchObject({ opened: [null] })
	expect(sharedConnection.status).toBe('idle')
})
