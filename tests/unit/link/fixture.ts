import { expect, test as base, vi } from 'vitest'
import { Link, type Member, type Transition } from '../../../src/lib/link/link.js'
import type { LinkOptions } from '../../../src/lib/link/types.js'
import { manualClock, type ManualClock } from '../../../src/lib/testing/manual-clock.js'
import { memoryPage, type MemoryPage } from '../../../src/lib/testing/memory-page.js'
import { actAsClient, restoreAll } from '../../../src/lib/testing/restore.js'
import { Requests } from '../../support/requests.js'

/** One line of a log: where the link stands, why, with which error, and when it goes on. */
export function line({ status, reason, error, delay }: Transition): string {
	return (
		`${status} ${reason}` +
		(error ? ` !${error.code}` : '') +
		(delay === undefined ? '' : ` in ${Math.round(delay)}`)
	)
}

/** A member that writes down what it hears. */
export class Witness implements Member {
	readonly log: string[] = []
	readonly events: string[] = []
	last: Transition | undefined

	transition(transition: Transition): void {
		this.last = transition
		this.log.push(line(transition))
	}

	gap(): void {
		this.log.push('gap')
	}

	/** How many streams began that did not go on where the last one was lost. */
	starts = 0

	fresh(): void {
		this.starts++
	}

	parsed(): void {}
}

export interface Linked {
	link: Link
	witness: Witness
	/** What was told so far. */
	log: string[]
	/** `name:data` of each event. */
	events: string[]
}

/** A page that knows how many handlers are set on it. */
export type CountedPage = MemoryPage & { readonly listeners: number }

export function countedPage(): CountedPage {
	const page = memoryPage({ url: 'http://app.test/page' })
	let listeners = 0
	for (const target of [globalThis, document])
		for (const [name, step] of [
			['addEventListener', 1],
			['removeEventListener', -1]
		] as const) {
			const method = target[name].bind(target) as (...args: unknown[]) => void
			const counting = (...args: unknown[]): void => {
				listeners += step
				method(...args)
			}
			Object.defineProperty(target, name, { value: counting, configurable: true })
		}
	return Object.defineProperty(page as CountedPage, 'listeners', { get: () => listeners })
}

export const defaults: LinkOptions = {
	url: 'http://app.test/events',
	method: 'POST',
	headers: undefined,
	body: undefined,
	init: {},
	fetch: undefined,
	reconnect: {},
	connectTimeout: 30_000,
	watchdog: undefined,
	pauseAfter: undefined,
	lastEventId: undefined,
	events: undefined
}

/** Tests in which time, chance, the network and the page do only what the test says. */
export const test = base
	/** First, so that it ends last: then the library has its own clock and its own page again. */
	.extend('client', { auto: true }, ({ task: _ }, { onCleanup }): true => {
		actAsClient()
		onCleanup(restoreAll)
		return true
	})
	.extend('clock', ({ client: _ }): ManualClock => manualClock())
	.extend('page', ({ client: _ }): CountedPage => countedPage())
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
			await new Promise((resolve) => setImmediate(resolve))
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
	.extend('requests', ({ client: _ }): Requests => new Requests())
	/** Makes a link with one member; when the test is over nothing of it may be left. */
	.extend(
		'open',
		({ clock, page, requests }, { onCleanup }): ((options?: Partial<LinkOptions>) => Linked) => {
			const all: Linked[] = []
			onCleanup(async () => {
				for (const { link, witness } of all) link.leave(witness)
				// Since when a page is hidden is known until it is shown.
				if (page.isHidden) await page.show()
				const left = { timers: clock.timers, handlers: page.listeners, active: requests.active }
				expect(left).toEqual({ timers: 0, handlers: 0, active: [] })
			})
			return (options) => {
				const witness = new Witness()
				const link = new Link({ ...defaults, fetch: requests.fetch, ...options })
				const { log, events } = witness
				link.slots.all.add(({ name, data }) => events.push(`${name || 'message'}:${data}`))
				link.join(witness, options?.lastEventId)
				link.connect()
				const linked = { link, witness, log, events }
				all.push(linked)
				return linked
			}
		}
	)
