import * as svelte from 'svelte'
import { flushSync } from 'svelte'
import { describe, expect, inject, onTestFinished, vi } from 'vitest'
import { render } from 'vitest-browser-svelte'
import { source, type SourceOptions, type SseConnection } from '../../src/lib/index.js'
import {
	assertNothingOpen,
	flushPromises,
	manualClock,
	restoreAll,
	type ManualClock
} from '../../src/lib/testing/index.js'
import { events, Server } from '../unit/faults/server.js'
import { count, effect, state } from './components/counting.svelte.js'
import { deriveLoud } from './components/deriving.svelte.js'
import ClosingReader from './components/ClosingReader.svelte'
import Forked from './components/Forked.svelte'
import Held from './components/Held.svelte'
import Leaving from './components/Leaving.svelte'
import Pages from './components/Pages.svelte'
import Status from './components/Status.svelte'
import StatusAndValue from './components/StatusAndValue.svelte'
import Value from './components/Value.svelte'
import { test as base } from './fixture.js'

type Open = (options?: SourceOptions, from?: Parameters<typeof source>[0]) => SseConnection

/** What was asked for of each URL that was requested. */
const searches = ({ urls }: Server): string[] => urls.map((url) => new URL(url).search)

/** Tests whose time and network do only what the test says, if they ask for them. */
const test = base
	.extend('clock', ({ task: _ }, { onCleanup }): ManualClock => {
		const chance = vi.spyOn(Math, 'random').mockReturnValue(0.5)
		const clock = manualClock()
		onCleanup(() => {
			restoreAll()
			chance.mockRestore()
		})
		return clock
	})
	.extend('server', ({ clock }): Server => new Server(clock))
	/** Makes a handle on the server in memory. When the test is over nothing may be left. */
	.extend('open', ({ clock, server }, { onCleanup }) => {
		const all: SseConnection[] = []
		onCleanup(async () => {
			for (const connection of all) connection.close()
			await clock.advance(1_000)
			await assertNothingOpen()
		})
		const open: Open = (options = {}, from = '/events') => {
			const connection = source(from, { fetch: server.fetch, ...options })
			all.push(connection)
			return connection
		}
		return open
	})

/** An effect, until the test is over, that writes down what it reads. */
function follow<T>(read: () => T): { values: T[]; stop: () => void } {
	const counted = count(read)
	onTestFinished(() => counted.stop())
	flushSync()
	return counted
}

/** The values without those that are as the one before. */
const changes = <T>(values: T[]): T[] => values.filter((value, at) => value !== values[at - 1])

/** A connection whose URL follows the number of a room; without one there is no URL. */
function openRoom(open: Open, first = 1) {
	const id = state(first)
	return { id, connection: open({}, () => (id.value ? `/rooms?id=${id.value}` : undefined)) }
}

describe('a page that leaves with a transition', () => {
	const urls: [string, (at: { id: number } | undefined) => unknown][] = [
		['would give `undefined` for a room', (room) => room?.id],
		['throws', (room) => room!.id]
	]

	for (const [what, idOf] of urls)
		// The dying page requested `/ev?room=undefined`, and called `error`.
		test(`requests nothing and tells of no error when its URL function ${what}`, async ({
			room
		}) => {
			const at = state<{ id: number } | undefined>({ id: 1 })
			let errors = 0
			const screen = await render(Leaving, {
				at,
				url: () => `${room.url}?room=${idOf(at.value)}`,
				failed: () => errors++
			})
			await room.until({ live: 1 })
			at.value = undefined
			flushSync()
			await expect.element(screen.getByTestId('value')).not.toBeInTheDocument()
			const { queries } = await room.until({ live: 0 })
			expect([queries, errors]).toEqual([['?room=1'], 0])
			await screen.unmount()
		})

	test('does not go along to the room of the next one', async ({ room }) => {
		const at = state<{ id: number } | undefined>({ id: 1 })
		let errors = 0
		const screen = await render(Leaving, {
			at,
			url: () => `${room.url}?room=${at.value?.id}&greeting=of-${at.value?.id}`,
			failed: () => errors++
		})
		await room.until({ live: 1 })
		await expect.element(screen.getByTestId('value')).toHaveTextContent('of-1 open')
		const old = screen.getByTestId('value').element()
		at.value = { id: 2 }
		flushSync()
		await expect.poll(() => document.contains(old)).toBe(false)
		expect(old.textContent).toContain('of-1')
		await expect.element(screen.getByTestId('value')).toHaveTextContent('of-2 open')
		const { queries } = await room.until({ live: 1 })
		expect(queries.map((query) => new URLSearchParams(query).get('room'))).toEqual(['1', '2'])
		expect(errors).toBe(0)
		await screen.unmount()
		await room.until({ live: 0 })
	})
})

describe('a URL that is a function of state', () => {
	test('opens when there is one, and rests when there is none any more', async ({
		open,
		server
	}) => {
		const at = state<string | null | undefined>(null)
		const connection = open({}, () => at.value)
		const value = follow(() => connection.select('message').current)
		const status = follow(() => connection.status)
		await flushPromises()
		expect([server.count, connection.status]).toEqual([0, 'idle'])
		at.value = '/a'
		await flushPromises()
		await server.last.hello({ text: events('of a') })
		at.value = undefined
		await flushPromises()
		expect([server.open, connection.status, connection.error]).toEqual([[], 'idle', undefined])
		at.value = '/b'
		await flushPromises()
		await server.last.hello({ text: events('of b') })
		expect(server.urls.map((url) => new URL(url).pathname)).toEqual(['/a', '/b'])
		expect(value.values.filter(Boolean)).toEqual(['of a', 'of b'])
		expect(status.values).toEqual(['idle', 'connecting', 'open', 'idle', 'connecting', 'open'])
	})

	test('is not followed for nobody', async ({ open, server, clock }) => {
		const at = state('/a')
		const connection = open({}, () => at.value)
		const reader = follow(() => connection.select('message').current)
		await flushPromises()
		await server.last.hello()
		reader.stop()
		await clock.advance(1_000)
		at.value = '/b'
		await clock.advance(1_000)
		expect([server.count, connection.status]).toEqual([1, 'idle'])
		follow(() => connection.select('message').current)
		await flushPromises()
		expect(new URL(server.urls.at(-1)!).pathname).toBe('/b')
	})

	test('is looked at before it is followed: what others received there, and only there', async ({
		open,
		server
	}) => {
		open({}, '/rooms?id=2')
			.select('message')
			.on(() => {})
		await flushPromises()
		await server.last.hello({ text: events('of 2') })
		const { id, connection } = openRoom(open)
		const channel = connection.select('message')
		const loud = channel.transform((text) => `${text}!`)
		const look = () => svelte.untrack(() => [channel.current, loud.current])
		expect(look()).toEqual(['', null])
		id.value = 2
		expect(look()).toEqual(['of 2', 'of 2!'])
		id.value = 1
		expect(look()).toEqual(['', null])
	})

	test('brings values to a channel that was looked at while there was none', async ({
		open,
		server
	}) => {
		const { id, connection } = openRoom(open, 0)
		const channel = connection.select('message')
		const late = channel.transform((text) => `${text}!`)
		follow(() => channel.current)
		for (const value of [1, 0]) {
			id.value = value
			await flushPromises()
		}
		expect(svelte.untrack(() => late.current)).toBe(null)
		id.value = 1
		await flushPromises()
		await server.last.hello({ text: events('of 1') })
		expect(svelte.untrack(() => late.current)).toBe('of 1!')
	})

	test('is not asked anew by a reader of what is closed', async ({ open, server }) => {
		let asked = 0
		const connection = open({}, () => `/events?${asked++}`)
		const channel = connection.select('message')
		follow(() => [connection.status, channel.current])
		await flushPromises()
		await server.last.hello({ text: events('a') })
		const before = asked
		connection.close()
		await flushPromises()
		expect([asked, server.count, connection.status]).toEqual([before, 1, 'closed'])
	})

	test('is asked anew when it is followed, since it may read more than state', async ({
		open,
		server
	}) => {
		let place = '/a'
		const channel = open({}, () => place).select('message')
		expect(svelte.untrack(() => channel.current)).toBe('')
		place = '/b'
		follow(() => channel.current)
		await flushPromises()
		expect(server.urls.map((url) => new URL(url).pathname)).toEqual(['/b'])
	})

	test('moves once when several states change in one go', async ({ open, server }) => {
		const [one, two] = [state(1), state(1)]
		const connection = open({}, () => `/events?${one.value}-${two.value}`)
		follow(() => connection.select('message').current)
		await flushPromises()
		await server.last.hello()
		one.value = 2
		two.value = 2
		await flushPromises()
		expect(searches(server)).toEqual(['?1-1', '?2-2'])
	})

	test('is followed by a hold of connect() too, which its release ends', async ({
		open,
		server,
		clock
	}) => {
		const at = state('/a')
		const connection = open({}, () => at.value)
		const release = connection.connect()
		await flushPromises()
		await server.last.hello()
		at.value = '/b'
		await flushPromises()
		expect(server.urls.map((url) => new URL(url).pathname)).toEqual(['/a', '/b'])
		await server.last.hello()
		release()
		await clock.advance(1_000)
		at.value = '/c'
		await clock.advance(1_000)
		expect([server.count, connection.status]).toEqual([2, 'idle'])
	})

	test("with `urlChange: 'resume'` closes the old stream, opens the new one behind the cursor, and keeps what is shown", async ({
		open,
		server
	}) => {
		const topics = state('a')
		const connection = open({ urlChange: 'resume' }, () => `/events?topics=${topics.value}`)
		const channel = connection.select('message')
		const all = channel.list()
		const sum = channel.scan((sum, text) => sum + text, '')
		const value = follow(() => channel.current)
		const list = follow(() => all.current.join())
		const total = follow(() => sum.current)
		const atOnce: number[] = []
		server.serve = () => atOnce.push(server.open.length)
		await flushPromises()
		await server.last.hello({ text: 'id: 7\ndata: a\n\n' })
		topics.value = 'a,b'
		await flushPromises()
		await server.last.hello({ resumed: true, text: 'id: 8\ndata: b\n\n' })
		expect(atOnce).toEqual([1, 1])
		expect(server.lastEventIds).toEqual([null, '7'])
		expect([value, list, total].map(({ values }) => changes(values))).toEqual([
			['', 'a', 'b'],
			['', 'a', 'a,b'],
			['', 'a', 'ab']
		])
	})

	test('with functions for the cursor and the initial values asks them for each URL', async ({
		open,
		server
	}) => {
		const id = state(1)
		const connection = open(
			{
				lastEventId: (url) => `start of ${url.at(-1)}`,
				initial: (url) => ({ title: `room ${url.at(-1)}` })
			},
			() => `http://app.test/rooms/${id.value}`
		)
		const title = follow(() => connection.select('title').current)
		await flushPromises()
		await server.last.hello()
		id.value = 2
		await flushPromises()
		await server.last.hello()
		expect(changes(title.values)).toEqual(['room 1', 'room 2'])
		expect(server.lastEventIds).toEqual(['start of 1', 'start of 2'])
	})
})

describe('`$effect(() => connection.connect())`', () => {
	test('holds the connection as long as the component, and is a whole clean-up', async ({
		room,
		connection
	}) => {
		for (let round = 1; round <= 3; round++) {
			const screen = await render(Held, { connection })
			await room.until({ live: 1, opened: round })
			await expect.element(screen.getByTestId('status')).toHaveTextContent('open')
			await screen.unmount()
			await room.until({ live: 0 })
			await expect.poll(() => connection.status).toBe('idle')
		}
	})

	test('keeps the connection when it runs again', async ({ room, connection }) => {
		const screen = await render(Held, { connection, id: 1 })
		await room.until({ live: 1 })
		for (const id of [2, 3, 4]) await screen.rerender({ id })
		await expect.element(screen.getByTestId('status')).toHaveTextContent('open')
		expect(await room.until({ live: 1 })).toMatchObject({ opened: [null] })
		await screen.unmount()
		await room.until({ live: 0 })
	})

	test('runs once, whatever becomes of the connection', async ({ open, server, clock }) => {
		const connection = open()
		const counted = effect(() => connection.connect())
		onTestFinished(() => counted.stop())
		flushSync()
		await flushPromises()
		await server.last.fail()
		await clock.advance(connection.retryAt!)
		await server.last.hello({ text: 'id: 1\ndata: a\n\n' })
		await server.last.goodbye('restart')
		await clock.advance(connection.retryAt!)
		flushSync()
		expect(counted.runs).toBe(1)
	})

	test('of two components is two holds', async ({ room, connection }) => {
		const [one, two] = [await render(Held, { connection }), await render(Held, { connection })]
		await room.until({ live: 1 })
		await one.unmount()
		await room.emit(['message', 'a'])
		expect(connection.status).toBe('open')
		await two.unmount()
		expect(await room.until({ live: 0 })).toMatchObject({ opened: [null] })
	})
})

describe('a component that closes what it reads', () => {
	for (const closes of ['at the end', 'untracked'] as const)
		test(`${closes}, in the effect that reads, has closed it`, async ({ room, connection }) => {
			const screen = await render(ClosingReader, { connection, closes })
			await room.until({ live: 1 })
			await room.emit(['message', 'a'], ['end', 'done'])
			await room.until({ live: 0 })
			await expect.element(screen.getByTestId('text')).toHaveTextContent('a')
			expect(connection.status).toBe('closed')
			await screen.unmount()
			expect(await room.until({ live: 0 })).toMatchObject({ opened: [null] })
		})

	test('has closed it for all that read it, and for none that come later', async ({
		room,
		connection
	}) => {
		const other = await render(Value, { channel: connection.select('message'), label: 'other' })
		const screen = await render(ClosingReader, { connection, closes: 'at the end' })
		await room.until({ live: 1 })
		await room.emit(['end', 'done'])
		await room.until({ live: 0 })
		const later = await render(Value, { channel: connection.select('message'), label: 'later' })
		await room.until({ live: 1 })
		await room.emit(['message', 'b'])
		await expect.element(other.getByTestId('other')).toHaveTextContent('"b"')
		await expect.element(later.getByTestId('later')).toHaveTextContent('"b"')
		await Promise.all([later.unmount(), screen.unmount(), other.unmount()])
		await room.until({ live: 0 })
	})

	for (const holds of ['connect', 'on', 'subscribe'] as const)
		test(`before ${holds}() of its own has begun, holds nothing`, async ({ room, connection }) => {
			const screen = await render(ClosingReader, {
				connection,
				closes: 'before it is shown',
				holds
			})
			await flushPromises()
			expect(connection.status).toBe('idle')
			await screen.unmount()
			expect(await room.until({ live: 0 })).toMatchObject({ opened: [] })
		})
})

describe('a source of a module', () => {
	// README's own `$effect`, which calls close(), left the next page closed for ever.
	for (const [next, text] of [
		['reading', '"a"'],
		['second', 'a']
	] as const)
		test(`is open on the ${next} page, although the page before closes it as it leaves`, async ({
			room,
			connection
		}) => {
			const screen = await render(Pages, { connection, page: 'first' })
			await room.until({ live: 1 })
			await screen.rerender({ page: next })
			await expect.poll(() => connection.status).toBe('open')
			await room.until({ live: 1 })
			await room.emit(['message', 'a'])
			await expect.element(screen.getByTestId(next)).toHaveTextContent(text)
			await screen.unmount()
			await room.until({ live: 0 })
		})

	test('is open on the next page when that was there before the one before had left', async ({
		room,
		connection
	}) => {
		const first = await render(Pages, { connection, page: 'first' })
		await room.until({ live: 1 })
		const left = first.unmount()
		const next = await render(Pages, { connection, page: 'reading' })
		await left
		await expect.poll(() => connection.status).toBe('open')
		await room.until({ live: 1 })
		await room.emit(['message', 'a'])
		await expect.element(next.getByTestId('reading')).toHaveTextContent('"a"')
		await next.unmount()
		await room.until({ live: 0 })
	})
})

describe('what is derived and read outside of effects', () => {
	test('does not hold the connection for ever, and is right when it is read again', async ({
		open,
		server,
		clock
	}) => {
		const connection = open()
		const channel = connection.select('message')
		const loud = deriveLoud(channel)
		for (let time = 0; time < 3; time++) {
			void loud.current
			await clock.advance(10_000)
			expect([connection.status, server.open]).toEqual(['idle', []])
		}
		const stop = channel.subscribe(() => {})
		await flushPromises()
		await server.last.hello({ text: events('a') })
		expect(loud.current).toBe('A')
		await server.last.write(events('b'))
		expect(loud.current).toBe('B')
		stop()
		await clock.advance(10_000)
		expect([connection.status, server.open]).toEqual(['idle', []])
	})

	test('holds it no longer than the effect that reads it too', async ({ open, server, clock }) => {
		const connection = open()
		const loud = deriveLoud(connection.select('message'))
		void loud.current
		const reader = follow(() => loud.current)
		void loud.current
		await flushPromises()
		await server.last.hello({ ping: 0, text: events('a') })
		await clock.advance(10_000)
		expect([connection.status, reader.values.at(-1), loud.current]).toEqual(['open', 'A', 'A'])
		reader.stop()
		void loud.current
		await clock.advance(10_000)
		expect([connection.status, server.open]).toEqual(['idle', []])
	})
})

describe('`status` that is read before `current` is right', () => {
	for (const where of [
		'block',
		'expression',
		'derived',
		'attributes',
		'condition',
		'function'
	] as const)
		// It stayed `idle`: state that a template makes and reads in one go is not tracked by that template.
		test(`in one ${where}`, async ({ open, server, clock }) => {
			const connection = open()
			const screen = await render(StatusAndValue, { connection, where })
			const shown = async () => {
				await flushPromises()
				const element = screen.getByTestId('both').element()
				return (element instanceof HTMLInputElement ? element.value : element.textContent).trim()
			}
			const seen = [await shown()]
			await server.last.hello()
			seen.push(await shown())
			await server.last.write(events('a'))
			seen.push(await shown())
			await server.last.end()
			seen.push(await shown())
			await clock.advance(connection.retryAt!)
			seen.push(await shown())
			await server.last.hello()
			seen.push(await shown())
			connection.close()
			seen.push(await shown())
			expect(seen).toEqual([
				'connecting',
				'open',
				'open a',
				'reconnecting a',
				'reconnecting a',
				'open a',
				'closed a'
			])
			await screen.unmount()
		})

	test('in one effect', async ({ open, server }) => {
		const connection = open()
		const both = follow(() => `${connection.status} ${connection.select('message').current}`)
		await flushPromises()
		await server.last.hello()
		await server.last.write(events('a'))
		connection.close()
		await flushPromises()
		expect(both.values.at(-1)).toBe('closed a')
		expect(both.values).toEqual(expect.arrayContaining(['connecting ', 'open ', 'open a']))
	})
})

describe('what a connection says of itself', () => {
	test('notifies the readers of each part once per change, and no others', async ({
		open,
		server,
		clock,
		problems
	}) => {
		const connection = open()
		const seen = {
			status: follow(() => connection.status),
			error: follow(() => connection.error?.code),
			attempt: follow(() => connection.attempt),
			retryAt: follow(() => connection.retryAt && 'date'),
			lastEventId: follow(() => connection.lastEventId),
			lastEventAt: follow(() => +(connection.lastEventAt ?? 0) - Date.UTC(2000, 0))
		}
		connection.connect()
		await flushPromises()
		await server.last.fail()
		await clock.advance(connection.retryAt!)
		await server.last.refuse(503)
		expect(problems.splice(0)).toEqual([expect.stringContaining('status 503')])
		await clock.advance(connection.retryAt!)
		await server.last.hello()
		await clock.advance(500)
		await server.last.write('id: 1\ndata: a\n\nid: 2\ndata: b\n\n')
		await clock.advance(500)
		await server.last.write(events('c'))
		connection.close()
		await flushPromises()
		const values = Object.fromEntries(
			Object.entries(seen).map(([name, { values }]) => [name, values])
		)
		expect(values).toEqual({
			status: ['idle', 'connecting', 'reconnecting', 'open', 'closed'],
			error: [undefined, 'network', 'response', undefined],
			attempt: [0, 1, 2, 0],
			retryAt: [undefined, 'date', undefined, 'date', undefined],
			lastEventId: [undefined, '2'],
			lastEventAt: [expect.any(Number), expect.any(Number), expect.any(Number)]
		})
	})

	test('shows an aborted signal at once, also while idle', async ({ open }) => {
		const controller = new AbortController()
		const connection = open({ signal: controller.signal })
		const screen = await render(Status, { connection })
		const error = follow(() => connection.error?.code)
		await expect.element(screen.getByTestId('status')).toHaveTextContent('idle')
		controller.abort()
		flushSync()
		expect(screen.getByTestId('status').element().textContent).toBe('closed')
		expect(error.values).toEqual([undefined, 'aborted'])
		await screen.unmount()
	})

	test('shows each handle on one link its own', async ({ open, server }) => {
		const [one, two] = [open(), open()]
		const seen = [follow(() => one.status), follow(() => two.status)]
		one.connect()
		two.connect()
		await flushPromises()
		await server.last.hello()
		one.close()
		await flushPromises()
		expect(seen.map(({ values }) => values)).toEqual([
			['idle', 'connecting', 'open', 'closed'],
			['idle', 'connecting', 'open']
		])
	})
})

describe('an effect', () => {
	/** An effect that reads all there is, and how often it has run since it was last asked. */
	function readAll(connection: SseConnection): { values: string[]; runs: () => number } {
		const channel = connection.select('message')
		const [loud, all, sum] = [
			channel.transform((text) => text.toUpperCase()),
			channel.list(),
			channel.scan((sum, text) => sum + text, '')
		]
		const seen = follow(() => {
			void connection.lastEventId
			void connection.lastEventAt
			void connection.attempt
			return `${connection.status} ${channel.current} ${loud.current} ${all.current.join()} ${sum.current}`
		})
		let before = 0
		return {
			get values() {
				return seen.values
			},
			runs() {
				const runs = seen.values.length - before
				before = seen.values.length
				return runs
			}
		}
	}

	test('runs once for an event, whatever it reads of it', async ({ open, server }) => {
		const seen = readAll(open())
		await flushPromises()
		await server.last.hello()
		seen.runs()
		for (const id of [1, 2, 3]) {
			await server.last.write(`id: ${id}\ndata: a${id}\n\n`)
			expect(seen.runs()).toBe(1)
		}
		expect(seen.values.slice(-3)).toEqual([
			'open a1 A1 a1 a1',
			'open a2 A2 a1,a2 a1a2',
			'open a3 A3 a1,a2,a3 a1a2a3'
		])
	})

	test('runs once for a burst, and sees the last of it', async ({ open, server }) => {
		const seen = readAll(open())
		await flushPromises()
		await server.last.hello()
		seen.runs()
		await server.last.write(events('a', 'b', 'c', 'd', 'e'))
		expect(seen.runs()).toBe(1)
		expect(seen.values.at(-1)).toBe('open e E a,b,c,d,e abcde')
	})

	test('runs for an event that is equal to the one before no more than once', async ({
		open,
		server
	}) => {
		const channel = open().select('message')
		const value = follow(() => channel.current)
		await flushPromises()
		await server.last.hello({ text: events('a') })
		await server.last.write(events('a'))
		expect(value.values.length).toBeLessThanOrEqual(3)
		expect(value.values.at(-1)).toBe('a')
	})

	test('runs once for the opening, and once for the end', async ({ open, server }) => {
		const connection = open()
		const seen = readAll(connection)
		await flushPromises()
		seen.runs()
		await server.last.hello()
		expect(seen.runs()).toBe(1)
		await server.last.goodbye('done')
		expect(seen.runs()).toBe(1)
	})

	test('that listens is not run by what it hears', async ({ open, server }) => {
		const connection = open()
		const counted = effect(() => connection.select('message').on(() => {}))
		onTestFinished(() => counted.stop())
		flushSync()
		await flushPromises()
		await server.last.hello({ text: events('a', 'b') })
		await flushPromises()
		expect(counted.runs).toBe(1)
	})

	test('runs for an accumulator and for an object that was mutated', async ({ open, server }) => {
		const channel = open().select('message')
		const all = channel.scan((all: string[], text) => {
			all.push(text)
			return all
		}, [])
		const box = { text: '' }
		const mutated = channel.transform((text) => Object.assign(box, { text }))
		const [lists, texts, derived] = [
			follow(() => all.current.join()),
			follow(() => mutated.current?.text),
			follow(() => all.transform((items) => items.length).current)
		]
		await flushPromises()
		await server.last.hello({ text: events('a') })
		await server.last.write(events('b'))
		expect([lists.values, texts.values]).toEqual([
			['', 'a', 'a,b'],
			[undefined, 'a', 'b']
		])
		expect(derived.values.at(-1)).toBe(2)
	})
})

describe.runIf(inject('isAsync') && 'fork' in svelte)('a fork', () => {
	const fork = (run: () => void) => svelte.fork(run)

	/** What the page shows, which a fork changes. */
	function shown(): { isShown: boolean } {
		const at = state(false)
		return {
			get isShown() {
				return at.value
			},
			set isShown(value) {
				at.value = value
			}
		}
	}

	for (const [where, text] of [
		['component', '"a"'],
		['derived', 'a']
	] as const) {
		// What SvelteKit does with `forkPreloads` when a link is hovered over.
		test(`that is discarded leaves neither a connection nor a stale status, by a ${where}`, async ({
			open,
			server,
			clock
		}) => {
			const connection = open()
			const at = shown()
			const screen = await render(Forked, { connection, at, where })
			for (let time = 0; time < 3; time++) {
				const preloaded = fork(() => (at.isShown = true))
				await clock.advance(10_000)
				expect([server.count, connection.status]).toEqual([0, 'idle'])
				preloaded.discard()
				await clock.advance(10_000)
			}
			expect([server.count, connection.status]).toEqual([0, 'idle'])
			expect(screen.getByTestId('status').element().textContent).toBe('idle')
			at.isShown = true
			await flushPromises()
			await server.last.hello({ text: events('a') })
			await expect.element(screen.getByTestId('value')).toHaveTextContent(text)
			expect(screen.getByTestId('status').element().textContent).toBe('open')
			await screen.unmount()
			await clock.advance(10_000)
			expect([server.open, connection.status]).toEqual([[], 'idle'])
		})

		test(`that is committed opens the connection, and not before, by a ${where}`, async ({
			open,
			server,
			clock
		}) => {
			const connection = open()
			const at = shown()
			const screen = await render(Forked, { connection, at, where })
			const preloaded = fork(() => (at.isShown = true))
			await clock.advance(10_000)
			expect([server.count, connection.status]).toEqual([0, 'idle'])
			await preloaded.commit()
			await flushPromises()
			expect(server.count).toBe(1)
			await server.last.hello({ text: events('a') })
			await expect.element(screen.getByTestId('value')).toHaveTextContent(text)
			expect(screen.getByTestId('status').element().textContent).toBe('open')
			await screen.unmount()
			await clock.advance(10_000)
			expect([server.open, connection.status]).toEqual([[], 'idle'])
		})
	}

	// Room 2 showed the stream of room 1.
	test('of another URL requests it when it is committed, and not before', async ({
		open,
		server,
		clock
	}) => {
		const { id, connection } = openRoom(open)
		const value = follow(() => connection.select('message').current)
		await flushPromises()
		await server.last.hello({ ping: 0, text: events('of 1') })
		const dropped = fork(() => (id.value = 3))
		await clock.advance(1_000)
		dropped.discard()
		const preloaded = fork(() => (id.value = 2))
		await clock.advance(1_000)
		expect([server.count, server.last.isOpen, value.values]).toEqual([1, true, ['', 'of 1']])
		await preloaded.commit()
		await flushPromises()
		expect([server.all[0]!.isOpen, server.count]).toEqual([false, 2])
		await server.last.hello({ text: events('of 2') })
		expect(searches(server)).toEqual(['?id=1', '?id=2'])
		expect(value.values.at(-1)).toBe('of 2')
	})

	// Svelte runs effects of a fork then, and one that changed state as it began to follow never came to an end.
	test('may see the URL change while it is pending', async ({ open, server, clock }) => {
		const { id, connection } = openRoom(open)
		const at = shown()
		const screen = await render(Forked, { connection, at, where: 'component' as const })
		const preloaded = fork(() => (at.isShown = true))
		await clock.advance(1_000)
		id.value = 2
		await clock.advance(1_000)
		await preloaded.commit()
		await flushPromises()
		expect(searches(server)).toEqual(['?id=2'])
		await server.last.hello({ text: events('of 2') })
		await expect.element(screen.getByTestId('value')).toHaveTextContent('"of 2"')
		await screen.unmount()
	})

	test('that is committed while there is no URL shows what comes once there is', async ({
		open,
		server
	}) => {
		const { id, connection } = openRoom(open)
		const at = shown()
		const screen = await render(Forked, { connection, at, where: 'component' as const })
		id.value = 0
		await flushPromises()
		await fork(() => (at.isShown = true)).commit()
		await fork(() => (id.value = 1)).commit()
		await flushPromises()
		await server.last.hello({ text: events('of 1') })
		expect(screen.getByTestId('value').element().textContent).toBe('"of 1"')
		await screen.unmount()
	})

	// The next one requested the URL from when the handle was made.
	test('that is dropped decides neither where the next one connects nor what is shown', async ({
		open,
		server,
		clock
	}) => {
		open({}, '/rooms?id=3')
			.select('message')
			.on(() => {})
		await flushPromises()
		await server.last.hello({ ping: 0, text: events('of 3') })
		const { id, connection } = openRoom(open)
		const at = shown()
		const screen = await render(Forked, { connection, at, where: 'component' as const })
		id.value = 2
		await clock.advance(1_000)
		const dropped = fork(() => {
			id.value = 3
			at.isShown = true
		})
		dropped.discard()
		const preloaded = fork(() => (at.isShown = true))
		await clock.advance(1_000)
		await preloaded.commit()
		await flushPromises()
		expect(searches(server)).toEqual(['?id=3', '?id=2'])
		expect(screen.getByTestId('value').element().textContent).toBe('""')
		await screen.unmount()
	})
})

describe.runIf(inject('isAsync'))('`await channel.next()` in a component', () => {
	test('shows the event, and holds nothing afterwards', async ({ open, server, clock }) => {
		const { default: NextPending } = await import('./components/NextPending.svelte')
		const connection = open()
		const screen = await render(NextPending, { connection })
		await expect.element(screen.getByTestId('next')).toHaveTextContent('waiting')
		await server.last.hello({ text: events('a') })
		await expect.element(screen.getByTestId('next')).toHaveTextContent('a')
		await screen.unmount()
		await clock.advance(1_000)
		expect([connection.status, server.count]).toEqual(['idle', 1])
	})
})
