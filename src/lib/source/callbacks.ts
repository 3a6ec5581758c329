import { untrack } from 'svelte'
import type { Message, Reason } from '../link/types.js'
import { Listeners } from '../parts/listeners.js'
import { report } from '../parts/report.js'
import type { ConnectionConfig } from './config.js'
import type { SourceEvent } from './options.js'
import type { Ending, Standing } from './standing.js'

/** What a callback can do. */
export interface Actions {
	/** Connects again, out of a callback that heard of this. */
	reconnect(transition: Ending): void
	close(): void
}

/** What this side does, not the server. */
const localReasons: readonly Reason[] = ['unused', 'local', 'aborted', 'hidden', 'away']

/** The user's callbacks, and when each is called. */
export class Callbacks {
	/** These, if there is a callback that hears every event. */
	readonly messages = new Listeners<Callbacks>()
	readonly #config: Pick<ConnectionConfig, 'on' | 'gap'>
	readonly #standing: Standing
	readonly #actions: Actions
	/** Whether the user has been told of the outage that lasts. */
	#isTold = false

	constructor(config: Pick<ConnectionConfig, 'on' | 'gap'>, standing: Standing, actions: Actions) {
		this.#config = config
		this.#standing = standing
		this.#actions = actions
		if (config.on.message.some(Boolean)) this.messages.add(this)
	}

	/**
	 * The connection has gone from one step to the next.
	 *
	 * @param isJoining others were at this step before: they have lost something, this handle has not
	 */
	hear(before: Ending, next: Ending, isJoining: boolean): void {
		// A link that rests after an error still has it when it is asked for again.
		const isNews = !isJoining && next.reason !== 'asked'
		const hasFailed = isNews && !!next.error && next.error !== before.error
		if (hasFailed) this.#call('error', next)
		// A callback may have gone on from here.
		if (this.#standing.now !== next) return
		if (next.status === 'open') this.#call('open', next)
		if (this.#isEnding(before, next, hasFailed)) this.#call('close', next)
	}

	/** Once per outage, and once per ending. */
	#isEnding({ status: before }: Ending, { status }: Ending, hasFailed: boolean): boolean {
		const wasUp = before === 'connecting' || before === 'open'
		if (status === 'closed') return before !== 'closed'
		if (status === 'idle') return wasUp
		if (before === 'idle' || before === 'closed' || status === 'open') this.#isTold = false
		const isNews = status === 'reconnecting' && (wasUp || (hasFailed && !this.#isTold))
		if (isNews) this.#isTold = true
		return isNews
	}

	message({ name: given, data }: Message, id: string | undefined): void {
		const name = given || 'message'
		this.#call('message', this.#standing.now, { name, event: name, data, id: id ?? '' })
	}

	failed(error: Error): void {
		this.#call('error', this.#standing.now, { error })
	}

	gap(): void {
		guard(() => this.#config.gap?.())
	}

	#call(name: keyof ConnectionConfig['on'], transition: Ending, more?: Partial<SourceEvent>): void {
		const { reason, status, error, attempt, delay, response, resumed } = transition
		const event: SourceEvent = {
			id: this.#standing.lastEventId.plain ?? '',
			event: name,
			name,
			data: '',
			isLocal: localReasons.includes(reason),
			status: response?.status ?? 0,
			statusText: response?.statusText ?? '',
			headers: response?.headers ?? new Headers(),
			response,
			error,
			reason,
			resumed,
			willReconnect: status === 'reconnecting',
			delay,
			attempt,
			...more,
			connect: () => this.#actions.reconnect(transition),
			close: () => this.#actions.close()
		}
		for (const callback of this.#config.on[name]) guard(() => callback?.(event))
	}
}

/** What users pass in may throw, or read state, without a consequence for us. */
function guard(run: () => void): void {
	try {
		untrack(run)
	} catch (thrown) {
		report(thrown)
	}
}
