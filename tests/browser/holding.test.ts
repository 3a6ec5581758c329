import { flushSync, tick, untrack } from 'svelte'
import { derived, get } from 'svelte/store'
import { describe, expect } from 'vitest'
import { render } from 'vitest-browser-svelte'
import type { SseConnection } from '../../src/lib/connection.svelte.js'
import { source } from '../../src/lib/source/source.js'
import Awaited from './components/Awaited.svelte'
import { effect } from './components/counting.svelte.js'
import Status from './components/Status.svelte'
import Toggle from './components/Toggle.svelte'
import Value from './components/Value.svelte'
import { test } from './fixture.js'

describe('reading in components', () => {
	test('opens one request for all, and closes it with the last', async ({ room, connection }) => {
		const channel = connection.select('message')
		const screens = [
			await render(Value, { channel, label: 'one' }),
			await render(Value, { channel, label: 'two' }),
			await render(Value, { channel: connection.select('other'), label: 'three' })
		]
		await room.until({ live: 1 })
		await room.emit(['message', 'a'], ['other', 'b'])
		await expect.element(screens[1]!.getByTestId('two')).toHaveTextContent('"a"')
		await expect.element(screens[2]!.getByTestId('three')).toHaveTextContent('"b"')
		await screens[0]!.unmount()
		await screens[1]!.unmount()
		await room.emit(['other', 'c'])
		await expect.element(screens[2]!.getByTestId('three')).toHaveTextContent('"c"')
		await screens[2]!.unmount()
		expect(await room.until({ live: 0 })).toMatchObject({ opened: [null] })
		expect(connection.status).toBe('idle')
	})

	test('is switched by {#if}', async ({ room, connection }) => {
		const screen = await render(Toggle, {
			channel: connection.select('message'),
			isShown: false
		})
		expect(connection.status).toBe('idle')
		for (let round = 1; round <= 2; round++) {
			await screen.rerender({ isShown: true })
			await room.until({ live: 1, opened: round })
			await room.emit(['message', `round ${round}`])
			await expect.element(screen.getByTestId('value')).toHaveTextContent(`"round ${round}"`)
			await screen.rerender({ isShown: false })
			await room.until({ live: 0 })
		}
	})

	test('by one page after another does not reconnect', async ({ room, connection }) => {
		const channel = connection.select('message')
		let page = await render(Value, { channel, label: 'page0' })
		await room.until({ live: 1 })
		for (let visit = 1; visit <= 5; visit++) {
			const left = page.unmount()
			// At once: how long the way to the next page takes is the machine's affair, and ends at some time with the linger.
			page = await render(Value, { channel, label: `page${visit}` })
			await left
			await room.emit(['message', `visit ${visit}`])
			await expect.element(page.getByTestId(`page${visit}`)).toHaveTextContent(`"visit ${visit}"`)
		}
		await page.unmount()
		expect(await room.until({ live: 0 })).toMatchObject({ opened: [null] })
	})

	// A component that is mounted and unmounted ten times used to leave connections behind.
	test('ten times makes ten streams, and leaves none', async ({ room }) => {
		const connection = source(room.url, { linger: 0 })
		for (let round = 1; round <= 10; round++) {
			const { unmount } = await render(Value, { channel: connection.select('message') })
			await room.until({ live: 1, opened: round })
			await unmount()
			await room.until({ live: 0 })
		}
		expect((await room.until({ live: 0 })).opened).toHaveLength(10)
	})

	test('shows a late reader the last value at once', async ({ room, connection }) => {
		const first = await render(Value, { channel: connection.select('message'), label: 'first' })
		await room.until({ live: 1 })
		await room.emit(['message', 'a'])
		await expect.element(first.getByTestId('first')).toHaveTextContent('"a"')
		const late = await render(Value, { channel: source(room.url).select('message'), label: 'late' })
		expect(late.getByTestId('late').element().textContent).toBe('"a"')
	})

	test('is not done by showing the status', async ({ room, connection }) => {
		const screen = await render(Status, { connection })
		await expect.element(screen.getByTestId('status')).toHaveTextContent('idle')
		expect(await room.until({ live: 0 })).toMatchObject({ opened: [] })
		connection.connect()
		await expect.element(screen.getByTestId('status')).toHaveTextContent('open')
		await room.emit(['message', 'a', '7'])
		await expect.element(screen.getByTestId('id')).toHaveTextContent('7 seen')
		connection.close()
		await expect.element(screen.getByTestId('status')).toHaveTextContent('closed')
		await room.until({ live: 0 })
	})
})

describe('two handles', () => {
	test('on one link do not disturb one another', async ({ room, connection }) => {
		const other = source(room.url)
		const one = await render(Value, { channel: connection.select('message'), label: 'one' })
		const two = await render(Value, { channel: other.select('message'), label: 'two' })
		await room.until({ live: 1 })
		connection.close()
		await room.emit(['message', 'a'])
		await expect.element(two.getByTestId('two')).toHaveTextContent('"a"')
		await expect.element(one.getByTestId('one')).toHaveTextContent('""')
		expect([connection.status, other.status]).toEqual(['closed', 'open'])
		await two.unmount()
		expect(await room.until({ live: 0 })).toMatchObject({ opened: [null] })
	})
})

describe('outside of components', () => {
	test('listeners hear duplicates and bursts, while state shows the latest', async ({
		room,
		connection
	}) => {
		const got: string[] = []
		const all = Promise.withResolvers<void>()
		const channel = connection.select('message')
		channel.on((data) => (got.push(data), data === 'last' && all.resolve()))
		await room.until({ live: 1 })
		const burst = Array.from({ length: 1_000 }, (_, index) => `${index >> 1}`)
		await room.emit(...[...burst, 'last'].map((data): [string, string] => ['message', data]))
		await all.promise
		expect(got).toEqual([...burst, 'last'])
		expect(channel.current).toBe('last')
	})

	test('`get` and `derived` of svelte/store work', async ({ room, connection }) => {
		const channel = connection.select('message')
		const seen: string[] = []
		const stop = derived(channel, (text) => `(${text})`).subscribe((text) => seen.push(text))
		await room.until({ live: 1 })
		const next = channel.next()
		await room.emit(['message', 'a'])
		await next
		expect(get(channel)).toBe('a')
		expect(seen).toEqual(['()', '(a)'])
		stop()
		await room.until({ live: 0 })
	})

	test('a worker resolves URLs against its own address', async () => {
		const worker = new Worker(new URL('./components/worker.ts', import.meta.url), {
			type: 'module'
		})
		const answer = new Promise((resolve) => (worker.onmessage = ({ data }) => resolve(data)))
		worker.postMessage('/no-stream')
		expect(await answer).toBe(new URL('/no-stream', location.href).href)
		worker.terminate()
	})

	test('an effect that reads a channel and sets state does not loop', async ({
		room,
		connection
	}) => {
		const { count } = await import('./components/counting.svelte.js')
		const channel = connection.select('message')
		const counted = count(() => channel.current)
		flushSync()
		await room.until({ live: 1 })
		const next = channel.next()
		await room.emit(['message', 'a'])
		await next
		flushSync()
		expect(counted.values).toEqual(['', 'a'])
		counted.stop()
		await room.until({ live: 0 })
	})
})

// What opens a connection inside an effect changes its status. An effect that depended on that would run for ever.
describe('an effect runs once when it', () => {
	const deeds: [string, (connection: SseConnection) => void | (() => void)][] = [
		['listens', (connection) => connection.select('message').on(() => {})],
		['subscribes', (connection) => connection.select('message').subscribe(() => {})],
		['asks a store for its value', (connection) => void get(connection.select('message'))],
		['waits for an event', (connection) => void connection.select('message').next()],
		['connects', (connection) => connection.connect()]
	]

	test.for(deeds)('%s', async ([, deed], { room, connection }) => {
		const counted = effect(() => deed(connection))
		flushSync()
		connection.connect()
		await room.until({ live: 1 })
		await room.end('restart', { retry: 0 })
		await room.until({ live: 1, opened: 2 })
		const next = connection.select('message').next()
		await room.emit(['message', 'a', '7'])
		await next
		flushSync()
		expect(counted.runs).toBe(1)
		counted.stop()
	})
})

test('a connection may be opened by what is derived, while its status is shown', async ({
	room,
	connection
}) => {
	const screen = await render(Awaited, { connection, isShown: false })
	await screen.rerender({ isShown: true })
	await room.until({ live: 1 })
	await expect.element(screen.getByTestId('status')).toHaveTextContent('open')
	await room.emit(['message', 'a'])
	await expect.element(screen.getByTestId('next')).toHaveTextContent('a')
})

// It opened and closed again without an end.
for (const [what, read] of [
	['the value only', () => {}],
	['the status too', (connection: SseConnection) => void connection.status]
] as const)
	test(`an effect outside of components that closes, untracked, and reads ${what} does not open again`, async ({
		room
	}) => {
		const connection = source(room.url)
		const channel = connection.select('message')
		const { stop } = effect(() => {
			const value = channel.current
			read(connection)
			untrack(() => {
				if (value) connection.close()
			})
		})
		await room.until({ live: 1 })
		await room.emit(['message', 'a'])
		await room.until({ live: 0 })
		await expect.poll(() => connection.status).toBe('closed')
		for (let round = 0; round < 5; round++) await tick()
		expect((await room.until({ live: 0 })).opened).toHaveLength(1)
		stop()
	})
