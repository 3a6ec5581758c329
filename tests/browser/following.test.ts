import { flushSync } from 'svelte'
import { describe, expect } from 'vitest'
import { render } from 'vitest-browser-svelte'
import { defineEvents, type Schema } from '../../src/lib/index.js'
import { source } from '../../src/lib/source/source.js'
import { effect, state } from './components/counting.svelte.js'
import Followed from './components/Followed.svelte'
import Inline from './components/Inline.svelte'
import { test } from './fixture.js'

describe('a URL that is a function of state', () => {
	test('is followed: nothing of the old one stays', async ({ room }) => {
		const screen = await render(Followed, { url: room.url, id: 1 })
		await expect.element(screen.getByTestId('value')).toHaveTextContent('of-1')
		await room.emit(['message', 'more', '77'])
		await expect.element(screen.getByTestId('all')).toHaveTextContent('of-1,more')
		await expect.element(screen.getByTestId('id')).toHaveTextContent('77')
		await screen.rerender({ id: 2 })
		await expect.element(screen.getByTestId('value')).toHaveTextContent('of-2')
		await expect.element(screen.getByTestId('all')).toHaveTextContent('of-2')
		await expect.element(screen.getByTestId('id')).toHaveTextContent('none')
		const standing = await room.until({ live: 1 })
		expect(standing.opened).toEqual([null, null])
		expect(standing.queries.map((query) => new URLSearchParams(query).get('id'))).toEqual([
			'1',
			'2'
		])
		await screen.unmount()
		await room.until({ live: 0 })
	})

	test('is followed by a source in a template, at once', async ({ room }) => {
		const id = state(1)
		const url = () => `${room.url}?id=${id.value}`
		const screen = await render(Inline, { url, rendered: () => {} })
		await room.until({ live: 1 })
		await room.emit(['message', 'a'])
		await expect.element(screen.getByTestId('value')).toHaveTextContent('a')
		id.value = 2
		flushSync()
		expect(screen.getByTestId('value').element().textContent).toBe('')
		await screen.unmount()
		await room.until({ live: 0 })
	})

	test('of the same stream, goes on behind what a schema still reads', async ({ room }) => {
		const topics = state(1)
		const gate = Promise.withResolvers<void>()
		let calls = 0
		const schema: Schema<number, number> = {
			'~standard': {
				version: 1,
				vendor: 'test',
				async validate(value) {
					calls++
					await gate.promise
					return { value: value as number }
				}
			}
		}
		const connection = source(() => `${room.url}?topics=${topics.value}`, {
			events: defineEvents({ tick: schema }),
			urlChange: 'resume'
		})
		const got: number[] = []
		connection.select('tick').on((number) => got.push(number))
		await room.until({ live: 1 })
		await room.emit(['tick', '5', '77'])
		await expect.poll(() => calls).toBe(1)
		topics.value = 2
		flushSync()
		expect((await room.until({ live: 1, opened: 2 })).opened).toEqual([null, '77'])
		gate.resolve()
		await expect.poll(() => got).toEqual([5])
		connection.close()
	})

	test('shows nothing of an earlier visit, also if nothing was opened in between', async ({
		room
	}) => {
		const id = state(1)
		const connection = source(() => `${room.url}?id=${id.value}`)
		const channel = connection.select('message')
		const { stop } = effect(() => void channel.current)
		await room.until({ live: 1 })
		await room.emit(['message', 'old'])
		await expect.poll(() => channel.current).toBe('old')
		connection.close()
		for (const other of [2, 1]) {
			id.value = other
			flushSync()
		}
		connection.connect()
		expect(channel.current).toBe('')
		stop()
		connection.close()
		await room.until({ live: 0 })
	})

	// It asked again and again, until there was no stack left.
	test('may be another at each call, and moves with the state only', async ({ room }) => {
		const id = state(1)
		const connection = source(() => `${room.url}?id=${id.value}&now=${Math.random()}`)
		connection.connect()
		await room.until({ live: 1 })
		id.value = 2
		flushSync()
		expect((await room.until({ live: 1, opened: 2 })).opened).toEqual([null, null])
		connection.close()
		await room.until({ live: 0 })
	})

	// Svelte makes no effect there, which could follow it.
	test('opens for a reader that comes in the clean-up of an effect', async ({ room }) => {
		const connection = source(() => room.url)
		const channel = connection.select('message')
		const { stop } = effect(() => () => void channel.on(() => {}))
		flushSync()
		stop()
		await room.until({ live: 1 })
		const next = channel.next()
		await room.emit(['message', 'a'])
		expect(await next).toBe('a')
		connection.close()
	})

	test('is not followed for nobody once the stream is over', async ({ room }) => {
		const id = state(1)
		const connection = source(() => `${room.url}?id=${id.value}`)
		connection.connect()
		await room.until({ live: 1 })
		await room.end('done')
		await expect.poll(() => connection.status).toBe('closed')
		id.value = 2
		flushSync()
		expect(connection.status).toBe('closed')
	})

	const leaving = { close: 'closed', stop: 'idle' }
	test.for(Object.entries(leaving))(
		'may make a reader leave by %s()',
		async ([how, status], { room }) => {
			const id = state(1)
			const connection = source(() => `${room.url}?id=${id.value}`)
			const stop = connection.select('message').subscribe(() => {
				if (id.value === 1) return
				if (how === 'close') connection.close()
				else stop()
			})
			await room.until({ live: 1 })
			id.value = 2
			flushSync()
			await expect.poll(() => connection.status).toBe(status)
			await room.until({ live: 0 })
		}
	)
})
