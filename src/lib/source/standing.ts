import { DEV } from 'esm-env'
import { createSubscriber } from 'svelte/reactivity'
import type { Lease } from '../channel/lease.js'
import { SseError } from '../errors.js'
import type { Transition } from '../link/link.js'
import type { Status } from '../link/types.js'
import { Cell } from '../reactive.svelte.js'

/** A transition; once the connection is closed, how that came about. */
export interface Ending extends Transition {
	/** The component that called `close()`, as `reader()` tells them apart, and whether it has done so in this moment. */
	closing?: { by: unknown; isRecent: boolean }
	/** What `connect()` held it with. */
	pins?: Lease[]
}

export const resting: Transition = { status: 'idle', reason: 'unused', attempt: 0 }

/**
 * Where a handle stands and how far it has come, as reactive state: each part has readers of its own, who are told when that
 * part changes.
 */
export class Standing {
	/** The last transition. */
	now: Ending = resting
	/** Counts the URLs that started everything over. */
	era = 0
	/** The id of the last event that was handed on, and when it came. */
	readonly lastEventId = new Cell<string | undefined>(undefined)
	readonly lastEventAt = new Cell<number | undefined>(undefined)
	readonly #status = new Cell<Status>('idle')
	readonly #error = new Cell<SseError | undefined>(undefined)
	readonly #attempt = new Cell(0)
	readonly #retryAt = new Cell<Date | undefined>(undefined)
	readonly #signal: AbortSignal | undefined
	readonly #trackSignal: (() => void) | undefined
	/** One error however often it is met, so that it is told once. */
	#abortion: SseError | undefined

	/** @param signal the user's, which ends everything */
	constructor(signal: AbortSignal | undefined) {
		this.#signal = signal
		this.#trackSignal =
			signal &&
			createSubscriber((update) => {
				signal.addEventListener('abort', update)
				return () => signal.removeEventListener('abort', update)
			})
	}

	set(next: Ending): void {
		this.now = next
		this.#status.set(next.status)
		if (next.error !== this.#error.plain) this.#error.set(next.error)
		this.#attempt.set(next.attempt)
		if (+(next.retryAt ?? 0) !== +(this.#retryAt.plain ?? 0)) this.#retryAt.set(next.retryAt)
	}

	closedBy(by: unknown): void {
		const closing = { by, isRecent: true }
		this.now = { ...this.now, closing }
		queueMicrotask(() => (closing.isRecent = false))
	}

	/** @param lastEventAt undefined: the link has had no event yet, and the last one came over another */
	progress(lastEventId: string | undefined, lastEventAt: number | undefined): void {
		this.lastEventId.set(lastEventId)
		if (lastEventAt !== undefined) this.lastEventAt.set(lastEventAt)
	}

	/** Nothing of what came before counts any more. */
	startOver(): void {
		this.era++
		this.lastEventId.set(undefined)
		this.lastEventAt.set(undefined)
	}

	get status(): Status {
		const status = this.#status.value
		return this.abortion ? 'closed' : status
	}

	get error(): SseError | undefined {
		const error = this.#error.value
		return this.abortion ?? error
	}

	get attempt(): number {
		return this.#attempt.value
	}

	get retryAt(): Date | undefined {
		return this.#retryAt.value
	}

	/** There once the user's signal is aborted. */
	get abortion(): SseError | undefined {
		this.#trackSignal?.()
		if (!this.#signal?.aborted) return undefined
		return (this.#abortion ??= new SseError(
			'aborted',
			DEV ? 'The signal was aborted.' : 'aborted',
			{ cause: this.#signal.reason }
		))
	}
}
