import { expect, test as base, vi } from 'vitest'
import type { SseConnection } from '../../src/lib/connection.svelte.js'
import { source } from '../../src/lib/source/source.js'
import { Room } from './room.js'

/** Tests of real components against a real server, in which nothing may end up in the console. */
export const test = base
	/** What was logged as an error or warning, or was caught by nobody. */
	.extend('problems', { auto: true }, ({ task: _ }, { onCleanup }): unknown[] => {
		const problems: unknown[] = []
		const log = (...all: unknown[]): void => void problems.push(...all)
		const hear = (event: ErrorEvent | PromiseRejectionEvent): void => {
			event.preventDefault()
			log(event.type, 'error' in event ? event.error : event.reason)
		}
		const spies = [
			vi.spyOn(console, 'error').mockImplementation(log),
			vi.spyOn(console, 'warn').mockImplementation(log)
		]
		addEventListener('error', hear)
		addEventListener('unhandledrejection', hear)
		onCleanup(async () => {
			// Rejections are told one task later.
			await new Promise((resolve) => setTimeout(resolve))
			removeEventListener('error', hear)
			removeEventListener('unhandledrejection', hear)
			for (const spy of spies) spy.mockRestore()
			expect(problems).toEqual([])
		})
		return problems
	})
	.extend('room', ({ task: _ }): Room => new Room())
	/** A handle on the room's stream, closed when the test is over. */
	.extend('connection', ({ room }, { onCleanup }): SseConnection => {
		const connection = source(room.url)
		onCleanup(() => connection.close())
		return connection
	})
