import { describe, expect } from 'vitest'
import { render } from 'vitest-browser-svelte'
import { source } from '../../src/lib/source.js'
import Status from './components/Status.svelte'
import Value from './components/Value.svelte'
import { test } from './fixture.js'

describe('a real loss', () => {
	test('is shown, and healed from the last id on', async ({ room }) => {
		const connection = source(room.url, { reconnect: { min: 50 } })
		const screen = await render(Status, { connection })
		const value = await render(Value, { channel: connection.select('message') })
		await room.until({ live: 1 })
		await room.emit(['message', 'a', 'epoch-é-1'])
		await expect.element(value.getByTestId('value')).toHaveTextContent('"a"')
		await room.end('restart', { retry: 300 })
		await expect.element(screen.getByTestId('status')).toHaveTextContent('reconnecting')
		await expect.element(screen.getByTestId('attempt')).toHaveTextContent('1 soon')
		// The last value stays while the connection is away.
		expect(value.getByTestId('value').element().textContent).toBe('"a"')
		await room.until({ live: 1, opened: 2 })
		await expect.element(screen.getByTestId('status')).toHaveTextContent('open')
		await expect.element(screen.getByTestId('attempt')).toHaveTextContent('0')
		const { opened } = await room.until({ live: 1 })
		expect(opened.map((id) => id && decodeURIComponent(escape(id)))).toEqual([null, 'epoch-é-1'])
	})

	test('of `done` is an end, and a new first reader a new beginning', async ({
		room,
		connection
	}) => {
		const screen = await render(Status, { connection })
		const value = await render(Value, { channel: connection.select('message') })
		await room.until({ live: 1 })
		await room.end('done')
		await expect.element(screen.getByTestId('status')).toHaveTextContent('closed')
		await value.unmount()
		await render(Value, { channel: connection.select('message'), label: 'again' })
		await room.until({ live: 1, opened: 2 })
	})

	test('of the page that leaves ends the stream, and its return resumes it', async ({
		room,
		connection
	}) => {
		const screen = await render(Status, { connection })
		connection.connect()
		await room.until({ live: 1 })
		window.dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))
		await room.until({ live: 0 })
		await expect.element(screen.getByTestId('status')).toHaveTextContent('reconnecting')
		window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))
		await room.until({ live: 1, opened: 2 })
		await expect.element(screen.getByTestId('status')).toHaveTextContent('open')
	})
})

describe('a real refusal', () => {
	for (const [what, path, status, body] of [
		['a page that is not there', 'nothing', 404, 'There is no such page.'],
		['a page of another type', 'page', 200, '<h1>A page</h1>']
	] as const)
		test(`by ${what} reaches status and error`, async ({ room }) => {
			const told: string[] = []
			const connection = source(`${room.address}/${path}`, {
				error: ({ status }) => told.push(`error ${status}`),
				close: ({ status, willReconnect }) => told.push(`close ${status} ${willReconnect}`)
			})
			const screen = await render(Status, { connection })
			await render(Value, { channel: connection.select('message') })
			await expect.element(screen.getByTestId('status')).toHaveTextContent('closed')
			await expect.element(screen.getByTestId('error')).toHaveTextContent(`response ${status}`)
			expect(connection.error?.body).toBe(body)
			expect(told).toEqual([`error ${status}`, `close ${status} false`])
		})

	test('by a server that is not there is retried', async () => {
		// Port 9 discards, if anything listens there at all.
		const connection = source('http://127.0.0.1:9/', { reconnect: { min: 1, attempts: 2 } })
		const screen = await render(Status, { connection })
		await render(Value, { channel: connection.select('message') })
		await expect.element(screen.getByTestId('error')).toHaveTextContent('network')
		await expect.element(screen.getByTestId('status')).toHaveTextContent('closed')
		expect(connection.attempt).toBe(3)
	})
})
