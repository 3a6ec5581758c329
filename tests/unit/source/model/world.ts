import { expect } from 'vitest'
import type { SseConnection } from '../../../../src/lib/connection.svelte.js'
import type { SourceOptions } from '../../../../src/lib/source-options.js'
import { source } from '../../../../src/lib/source.js'
import { ManualClock } from '../../../support/clock.js'
import { Page } from '../../../support/page.js'
import { Requests, type Call } from '../../../support/requests.js'

/** What a user has done with one handle, and so what may be expected of it. */
export class Handle {
	readonly connection: SseConnection
	readonly key: Key
	/** Connects anew whenever the other side ends it. */
	readonly isStubborn: boolean
	readonly linger: number
	readonly stops: (() => void)[][] = [[], []]
	/** When the last reader of each channel went, while the channel may linger. */
	readonly leftAt: (number | undefined)[] = [undefined, undefined]
	isPinned = false
	/** Whether it should be up, as far as its user is concerned. */
	isWanted = false
	/** `open` and `close` as they were told, and in between what came. */
	readonly log: (string | number)[] = []

	constructor(world: World, key: Key, options: SourceOptions & { isStubborn?: boolean }) {
		const { isStubborn = false, ...rest } = options
		this.key = key
		this.isStubborn = isStubborn
		this.linger = rest.linger ?? 100
		this.connection = source(`/${key}`, {
			fetch: world.requests.fetch,
			...rest,
			open: () => this.log.push('open'),
			close: ({ willReconnect, isLocal, connect }) => {
				this.log.push(willReconnect ? 'lost' : 'closed')
				if (isStubborn && !isLocal) connect()
			},
			message: ({ data }) => this.log.push(+data),
			gap: () => this.log.push('gap')
		})
	}

	get hasReaders(): boolean {
		return this.stops.some(({ length }) => length > 0)
	}
}

export const keys = ['shared', 'paused'] as const
export type Key = (typeof keys)[number]

/** A network, a page, a clock, and handles: three on one link, one on another. */
export class World {
	readonly clock = new ManualClock().install()
	readonly page = new Page().install()
	readonly requests = new Requests()
	readonly handles: Handle[]
	/** The newest event that the server has, of each stream. */
	readonly newest: Record<Key, number> = { shared: 0, paused: 0 }
	isAway = false
	/** Responses under way when the browser said that the network is gone, and silent since. */
	readonly doubted = new Set<Call>()

	constructor(linger: number) {
		this.handles = [
			new Handle(this, 'shared', { linger }),
			new Handle(this, 'shared', { linger, isStubborn: true }),
			new Handle(this, 'shared', { linger: 0 }),
			new Handle(this, 'paused', { linger, hidden: { pauseAfter: 1_000 } })
		]
	}

	/** The requests of one stream that are under way; the newest last. */
	active(key: Key): Call[] {
		return this.requests.active.filter(({ url }) => url.endsWith(`/${key}`))
	}

	of(key: Key): Handle[] {
		return this.handles.filter((handle) => handle.key === key)
	}

	/** What the server sends to a client that resumes. */
	replay(call: Call): string {
		if (call.lastEventId === null) return ''
		const key = keys.find((key) => call.url.endsWith(`/${key}`))!
		let text = ''
		for (let id = +call.lastEventId + 1; id <= this.newest[key]; id++) text += event(id)
		return text
	}

	/** The server has ended a stream for good. */
	finish(key: Key): void {
		for (const handle of this.of(key)) {
			if (!handle.isWanted || handle.isStubborn) continue
			handle.isWanted = handle.isPinned = false
			handle.leftAt.fill(undefined)
		}
	}

	/** Time has passed: channels that lingered have let go. */
	letGo(): void {
		for (const handle of this.handles) {
			for (const channel of [0, 1]) {
				const leftAt = handle.leftAt[channel]
				if (leftAt !== undefined && this.clock.now() >= leftAt + handle.linger)
					handle.leftAt[channel] = undefined
			}
			const isHeld =
				handle.isPinned || handle.hasReaders || handle.leftAt.some((at) => at !== undefined)
			if (!isHeld) handle.isWanted = false
		}
	}

	/** Invariants 10 to 13 and 16, and that the status is true. */
	check(): void {
		this.letGo()
		for (const key of keys) this.#checkKey(key)
		for (const handle of this.handles) checkLog(handle.log)
		// 10: one timer per link; what lingers has one of its own, and an unused channel may keep it until it is due.
		const live = keys.filter((key) => this.of(key).some(isUp)).length
		const lingering = this.handles.flatMap(({ leftAt }) => leftAt.filter((at) => at !== undefined))
		expect(this.clock.timers, 'timers').toBeLessThanOrEqual(live + lingering.length)
		// 12: every ending releases the body.
		for (const call of this.requests.all)
			if (call.isAborted) expect(call.body, 'body of an abandoned response').not.toBe('open')
	}

	/** Nothing is left once every handle was closed. */
	async end(): Promise<void> {
		for (const { connection, stops } of this.handles) {
			for (const stop of stops.flat()) stop()
			connection.close()
		}
		await this.clock.advance(100)
		const left = [this.clock.timers, this.page.listeners, this.requests.active.length]
		this.page.uninstall()
		this.clock.uninstall()
		expect(left, 'timers, page handlers and requests that are left').toEqual([0, 0, 0])
	}

	#checkKey(key: Key): void {
		const active = this.active(key)
		expect(active.length, `requests of ${key}`).toBeLessThanOrEqual(1)
		const [call] = active
		const handles = this.of(key)
		if (!handles.some(isUp)) expect(active, `requests of ${key}, which nobody wants`).toEqual([])
		for (const handle of handles) {
			const { status, retryAt } = handle.connection
			expect(isUp(handle), `is up (${status})`).toBe(handle.isWanted)
			if (status === 'open') expect(call?.body, 'body of an open link').toBe('open')
			if (status === 'connecting')
				expect(call?.isPending, 'request of a connecting link').toBe(true)
			if (status !== 'reconnecting') expect(retryAt).toBeUndefined()
			else if (retryAt) {
				expect(active, 'requests while waiting').toEqual([])
				expect(+retryAt - +this.clock.date(), 'wait').toBeLessThanOrEqual(330_000)
			} else if (call) expect(this.doubted.has(call), 'whether the link is in doubt').toBe(true)
			else expect(this.isAway || this.page.isHidden, 'whether the page has paused it').toBe(true)
		}
		// 16: handles on one link see the same of it.
		const seen = new Set(handles.filter(isUp).map(({ connection }) => connection.status))
		expect(seen.size, [...seen].join()).toBeLessThanOrEqual(1)
	}
}

export function isUp({ connection: { status } }: Handle): boolean {
	return status !== 'idle' && status !== 'closed'
}

export function event(id: number): string {
	return `id: ${id}\ndata: ${id}\n\n`
}

/** Openings and losses take turns; every event comes once and in order, or a gap is told. */
function checkLog(log: (string | number)[]): void {
	let isOpen = false
	let last: number | undefined
	for (const entry of log) {
		if (typeof entry === 'number') {
			if (last !== undefined) expect(entry, `event after ${last}`).toBe(last + 1)
			last = entry
		} else if (entry === 'gap') last = undefined
		else {
			if (entry === 'open') expect(isOpen, 'open twice').toBe(false)
			isOpen = entry === 'open'
		}
	}
}
