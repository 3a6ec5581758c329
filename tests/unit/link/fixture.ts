import { expect, test as base, vi } from 'vitest'
import { environment } from '../../../src/lib/environment.js'
import { Link, type Member, type Transition } from '../../../src/lib/link/link.js'
import type { LinkOptions } from '../../../src/lib/link/types.js'
import { ManualClock } from '../../support/clock.js'
import { Page } from '../../support/page.js'
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

	progress(): void {}
}

export interface Linked {
	link: Link
	witness: Witness
	/** What was told so far. */
	log: string[]
	/** `name:data` of each event. */
	events: string[]
}

const defaults: LinkOptions = {
	url: () => 'http://app.test/events',
	method: 'POST',
	headers: undefined,
	body: undefined,
	init: {},
	fetch: undefined,
	reconnect: {},
	watchdog: undefined,
	pauseAfter: undefined,
	lastEventId: undefined,
	events: undefined
}

/** Tests in which time, chance, the network and the page do only what the test says. */
export const test = base
	.extend('clock', ({ task: _ }, { onCleanup }): ManualClock => {
		const clock = new ManualClock().install()
		onCleanup(() => clock.uninstall())
		return clock
	})
	.extend('page', ({ task: _ }, { onCleanup }): Page => {
		const page = new Page().install()
		onCleanup(() => page.uninstall())
		return page
	})
	.extend('chance', { auto: true }, ({ task: _ }, { onCleanup }): { value: number } => {
		const chance = { value: 0.5 }
		const spy = vi.spyOn(Math, 'random').mockImplementation(() => chance.value)
		onCleanup(() => spy.mockRestore())
		return chance
	})
	.extend('client', { auto: true }, ({ task: _ }, { onCleanup }): true => {
		environment.isClient = true
		onCleanup(() => void (environment.isClient = false))
		return true
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
	.extend('requests', ({ task: _ }): Requests => new Requests())
	/** Makes a link with one member; when the test is over nothing of it may be left. */
	.extend(
		'open',
		({ clock, page, requests }, { onCleanup }): ((options?: Partial<LinkOptions>) => Linked) => {
			const all: Linked[] = []
			onCleanup(() => {
				for (const { link, witness } of all) link.leave(witness)
				const left = { timers: clock.timers, handlers: page.listeners, active: requests.active }
				expect(left).toEqual({ timers: 0, handlers: 0, active: [] })
			})
			return (options) => {
				const witness = new Witness()
				const link = new Link({ ...defaults, fetch: requests.fetch, ...options })
				const { log, events } = witness
				link.slots.all.add(({ name, data }) => events.push(`${name || 'message'}:${data}`))
				link.join(witness)
				link.connect()
				const linked = { link, witness, log, events }
				all.push(linked)
				return linked
			}
		}
	)
