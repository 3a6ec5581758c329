import { vi } from 'vitest'
import type { SseConnection } from '../../src/lib/connection.svelte.js'
import { source } from '../../src/lib/source/source.js'
import type { SourceOptions } from '../../src/lib/source/options.js'

/** A connection that is read, and what became of it. */
export class Reading implements Disposable {
	readonly handle: SseConnection
	readonly numbers: number[] = []
	/** `open accepted`, `reconnecting cut` and so on, in order. */
	readonly log: string[] = []
	/** Why connections were lost by an error, and attempts failed, in order: an outage is one step, however many those are. */
	readonly failures: string[] = []
	gaps = 0
	readonly #stop: () => void

	constructor(url: string, options: SourceOptions = {}) {
		const hear: SourceOptions['open'] = ({ reason }) => {
			this.log.push(`${this.handle.status} ${reason}`)
		}
		this.handle = source(url, {
			...options,
			open: hear,
			close: hear,
			error: ({ reason = '' }) => void this.failures.push(reason),
			gap: () => this.gaps++
		})
		this.#stop = this.handle.select('number').on((number) => this.numbers.push(Number(number)))
	}

	/** Waits until this holds, for at most `timeout` milliseconds. */
	async until(holds: (reading: this) => boolean, timeout = 20_000): Promise<void> {
		try {
			// Not on an event: nothing tells of an id that comes alone.
			await vi.waitUntil(() => holds(this), { timeout, interval: 5 })
		} catch (cause) {
			const { numbers, log, failures, gaps } = this
			const stand = JSON.stringify({ status: this.handle.status, numbers, log, failures, gaps })
			throw new Error(`Not within ${timeout} ms: ${holds}. It has ${stand}.`, { cause })
		}
	}

	/** Waits until the server follows the topic: whatever is published from then on arrives. */
	following(): Promise<void> {
		return this.until(({ handle }) => handle.lastEventId !== undefined)
	}

	[Symbol.dispose](): void {
		this.#stop()
		this.handle.close()
	}
}
