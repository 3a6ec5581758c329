import { expect, test as base, vi } from 'vitest'
import {
	defineEvents,
	source,
	type AnyEvents,
	type Schema,
	type SourceEvent,
	type SourceOptions,
	type SseConnection,
	type Untyped
} from '../../../src/lib/index.js'
import {
	assertNothingOpen,
	manualClock,
	memoryPage,
	type ManualClock,
	type MemoryPage,
	flushPromises,
	restoreAll
} from '../../../src/lib/testing/index.js'
import { events, Server } from './server.js'

export { events, flushPromises, restoreAll }

/** A page that may go to another address, and be hidden or without a network from the start. */
export type Tab = MemoryPage & { goTo(url: string): void }

function tab(): Tab {
	return Object.assign(memoryPage({ url: 'http://app.test/page' }), {
		goTo(url: string) {
			Object.defineProperty(document, 'baseURI', { value: url, configurable: true })
		}
	})
}

export interface Opened<S = Untyped> {
	connection: SseConnection<S>
	/** What the callbacks heard. */
	log: string[]
	heard: SourceEvent[]
}

/** One line of a log: which callback, why, with which error, and when it goes on. */
export function line(event: SourceEvent): string {
	const { name, reason, error, delay, isLocal, willReconnect } = event
	return (
		`${name} ${reason}` +
		(error ? ` !${(error as Error & { code: string }).code}` : '') +
		(isLocal ? ' (local)' : '') +
		(willReconnect ? ` again in ${Math.round(delay ?? -1)}` : '')
	)
}

/** Tests of what users call, in which time, chance, the network and the page do only what the test says. */
export const test = base
	.extend('clock', ({ task: _ }, { onCleanup }): ManualClock => {
		const clock = manualClock()
		onCleanup(restoreAll)
		return clock
	})
	.extend('page', ({ task: _ }, { onCleanup }): Tab => {
		const page = tab()
		onCleanup(() => page.restore())
		return page
	})
	.extend('chance', { auto: true }, ({ task: _ }, { onCleanup }): { value: number } => {
		const chance = { value: 0.5 }
		const spy = vi.spyOn(Math, 'random').mockImplementation(() => chance.value)
		onCleanup(() => spy.mockRestore())
		return chance
	})
	/** What was reported as an error that nobody could catch; a test that expects some takes it out. */
	.extend('reported', { auto: true }, ({ task: _ }, { onCleanup }): unknown[] => {
		const reported: unknown[] = []
		const reject = (reason: unknown): void => void reported.push('unhandled rejection', reason)
		const spy = vi
			.spyOn(console, 'error')
			.mockImplementation((...all) => void reported.push(...all))
		process.on('unhandledRejection', reject)
		onCleanup(async () => {
			await flushPromises()
			process.off('unhandledRejection', reject)
			spy.mockRestore()
			expect(reported).toEqual([])
		})
		return reported
	})
	/** What the console said to a developer. */
	.extend('warned', { auto: true }, ({ task: _ }, { onCleanup }): unknown[] => {
		const warned: unknown[] = []
		const spy = vi.spyOn(console, 'warn').mockImplementation((...all) => void warned.push(...all))
		onCleanup(() => spy.mockRestore())
		return warned
	})
	.extend('server', ({ clock }): Server => new Server(clock))
	/** Makes a handle whose callbacks are written down; nothing opens by it. When the test is over nothing may be left. */
	.extend('connect', ({ clock, page: _, server }, { onCleanup }) => {
		const all: { close(): void }[] = []
		let isOver = false
		onCleanup(async () => {
			// Users may connect again in their close handlers, for ever.
			isOver = true
			for (const connection of all) connection.close()
			await clock.advance(1_000)
			await assertNothingOpen()
		})
		return <S extends AnyEvents = Untyped>(
			options: SourceOptions<S> = {},
			from: Parameters<typeof source>[0] = '/events'
		): Opened<S> => {
			const log: string[] = []
			const heard: SourceEvent[] = []
			const write = (event: SourceEvent): void => {
				log.push(line(event))
				heard.push(event)
			}
			const connection = source<S>(from, {
				fetch: server.fetch,
				...options,
				close: (event) => isOver || options.close?.(event),
				onopen: write,
				onclose: write,
				onerror: write,
				gap() {
					log.push('gap')
					options.gap?.()
				}
			})
			all.push(connection)
			return { connection, log, heard }
		}
	})

/** Listens to a channel for as long as the test wants; what came stands in the array. */
export function listen<T>(channel: { on(fn: (data: T) => void): () => void }): {
	got: T[]
	stop: () => void
} {
	const got: T[] = []
	return { got, stop: channel.on((data) => got.push(data)) }
}

/** Writes down what a store shows. */
export function watch<T>(store: { subscribe(run: (value: T) => void): () => void }): {
	seen: T[]
	stop: () => void
} {
	const seen: T[] = []
	return { seen, stop: store.subscribe((value) => seen.push(value)) }
}

/** What a handle says of itself, with the error by its code. */
export function standing({ status, error, attempt, retryAt }: SseConnection): object {
	return { status, error: error?.code, attempt, retryAt }
}

/** A contract whose schema answers when its gate is opened. */
export function slow() {
	const gates: (() => void)[] = []
	const schema: Schema<string, string> = {
		'~standard': {
			version: 1,
			vendor: 'test',
			validate: (value) =>
				new Promise((resolve) => gates.push(() => resolve({ value: value as string })))
		}
	}
	return { gates, contract: defineEvents({ tick: schema }) }
}

/** An event that such a contract has, whose data is its id. */
export const tick = (id: number) => `event: tick\nid: ${id}\ndata: "${id}"\n\n`
