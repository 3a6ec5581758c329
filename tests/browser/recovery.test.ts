import { describe, expect, onTestFinished } from 'vitest'
import { render } from 'vitest-browser-svelte'
import { source } from '../../src/lib/source/source.js'
import Status from './components/Status.svelte'
import Value from './components/Value.svelte'
import { test } from './fixture.js'

/** What the page shows from now on: no step of it lasts long enough to be sure to meet it. */
function watch<T>(read: () => T): () => T[] {
	const shown: T[] = []
	const observer = new MutationObserver(() => void shown.push(read()))
	observer.observe(document.body, { subtree: true, childList: true, characterData: true })
	onTestFinished(() => observer.disconnect())
	return () => shown
}

describe('a real loss', () => {
	test('is shown, and healed from the last id on', async ({ room }) => {
		const connection = source(room.url, { reconnect: { min: 50 } })
		const screen = await render(Status, { connection })
		const value = await render(Value, { channel: connection.select('message') })
		await room.until({ live: 1 })
		await room.emit(['message', 'a', 'epoch-é-1'])
		await expect.element(value.getByTestId('value')).toHaveTextContent('"a"')
		await expect.element(screen.getByTestId('status')).toHaveTextContent('open')
		const shown = watch(() =>
			[screen.getByTestId('status'), screen.getByTestId('attempt'), value.getByTestId('value')].map(
				(part) => part.element().textContent.trim()
			)
		)
		await room.end('restart', { retry: 300 })
		await room.until({ live: 1, opened: 2 })
		await expect.element(screen.getByTestId('status')).toHaveTextContent('open')
		// The last value stays while the connection is away.
		expect(shown()).toEqual([
			// A stream that delivered something and ended in order is no failure.
			['reconnecting', '0 soon', '"a"'],
			['reconnecting', '0', '"a"'],
			['open', '0', '"a"']
		])
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
		test(`by ${what} reaches status, error and console`, async ({ room, problems }) => {
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
			expect(problems.splice(0)).toEqual([expect.stringContaining(`status ${status}`)])
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
