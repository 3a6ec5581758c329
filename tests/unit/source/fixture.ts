import { expect } from 'vitest'
import type { SseConnection } from '../../../src/lib/connection.svelte.js'
import type { SourceEvent, SourceOptions } from '../../../src/lib/source/options.js'
import { source } from '../../../src/lib/source/source.js'
import { test as base } from '../link/fixture.js'

export interface Opened {
	connection: SseConnection
	/** What the callbacks heard. */
	log: string[]
	heard: SourceEvent[]
}

/** One line of a log: which callback, why, with which error, and when it goes on. */
export function line(event: SourceEvent): string {
	const { name, reason, error, delay, data, willReconnect, isLocal } = event
	if (name !== event.event) throw new Error('`event` and `name` must be the same.')
	if (data) return `${name}: ${data}`
	return (
		`${name} ${reason}` +
		(error ? ` !${(error as Error & { code: string }).code}` : '') +
		(isLocal ? ' (local)' : '') +
		(willReconnect ? ` again in ${Math.round(delay ?? -1)}` : '')
	)
}

/** Tests of what users call, in which time, chance, the network and the page do only what the test says. */
export const test = base.extend('connect', ({ clock, page, requests }, { onCleanup }) => {
	const all: SseConnection[] = []
	let isOver = false
	onCleanup(async () => {
		// Users may connect again in their close handlers, for ever.
		isOver = true
		for (const connection of all) connection.close()
		// Since when a page is hidden is known until it is shown.
		if (page.isHidden) await page.show()
		await clock.advance(100)
		const left = { timers: clock.timers, handlers: page.listeners, active: requests.active }
		expect(left).toEqual({ timers: 0, handlers: 0, active: [] })
	})
	/** A handle whose callbacks are written down; nothing opens by it. */
	return (options: SourceOptions = {}, from: Parameters<typeof source>[0] = '/events'): Opened => {
		const log: string[] = []
		const heard: SourceEvent[] = []
		const write = (event: SourceEvent): void => {
			log.push(line(event))
			heard.push(event)
		}
		const connection = source(from, {
			fetch: requests.fetch,
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
