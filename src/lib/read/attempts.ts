import { BROWSER, DEV } from 'esm-env'
import { clock, stayAlive, type Timer } from '../clock.js'
import { SseError, type CloseReason } from '../errors.js'
import { Attempt, type AttemptListener } from '../link/attempt.js'
import { isOffline } from '../link/lifecycle.js'
import { fateOf, policyOf, type Loss, type Policy } from '../link/retry.js'
import type { LinkOptions } from '../link/types.js'

/** A timer that comes this many milliseconds late was held up by sleep. */
const sleptMs = 2_000

/** Hears what the attempts of one loop bring. */
export interface AttemptsListener extends Pick<AttemptListener, 'message' | 'gap' | 'parsed'> {
	opened(response: Response, resumed: boolean | undefined): void
	/** An attempt has failed, and another one follows. */
	failed(error: SseError): void
	/** No attempt follows. */
	ended(error: SseError | undefined): void
}

/**
 * The connection of one loop: one attempt after another, with the pauses that a link makes. Nobody shares this connection, and
 * no page hides it or leaves it; so it needs no state machine.
 */
export class Attempts {
	readonly #options: LinkOptions
	readonly #policy: Policy
	readonly #listener: AttemptsListener
	#lastEventId: string | undefined
	/** Losses in a row. */
	#losses = 0
	/** The `retry:` in force, in milliseconds. */
	#retry = 0
	/** When the stream under way began. */
	#openedAt = Infinity
	#attempt: Attempt | undefined
	/** The one timer: the deadline of the attempt, or the next attempt. */
	#timer: Timer
	/** A process of Node's may end again, if nothing else keeps it. */
	#letEnd: (() => void) | undefined

	/** @param listener an object whose functions need no `this` */
	constructor(options: LinkOptions, listener: AttemptsListener) {
		this.#options = options
		this.#policy = policyOf(options.reconnect || { attempts: 0 })
		this.#listener = listener
		this.#lastEventId = options.lastEventId
	}

	/** Begins an attempt. */
	start(): void {
		this.#letEnd?.()
		const attempt = new Attempt(this.#options, this.#lastEventId, {
			...this.#listener,
			accepted: () => {
				this.#openedAt = clock.now()
				this.#listener.opened(attempt.response!, attempt.resumed)
			},
			fresh() {},
			bytes() {},
			id: (id) => (this.#lastEventId = id || undefined),
			retry: (delay) => (this.#retry = delay),
			deadline: () => this.#watch(),
			lost: (loss) => this.#lose(loss)
		})
		this.#attempt = attempt
		this.#watch()
	}

	/** Nothing is under way, and nothing is heard any more. */
	stop(): void {
		this.#attempt?.abort()
		this.#attempt = undefined
		this.#letEnd?.()
		clock.clearTimeout(this.#timer)
	}

	#lose(loss: Loss): void {
		clock.clearTimeout(this.#timer)
		const { losses, isOver, delay } = fateOf(
			loss,
			{
				losses: this.#losses,
				isStable: clock.now() - this.#openedAt >= this.#policy.minUptime,
				isOffline: isOffline(),
				retry: this.#retry
			},
			this.#policy,
			Math.random()
		)
		// The user's `decide` may have stopped it.
		if (!this.#attempt) return
		this.#openedAt = Infinity
		this.#losses = losses
		// Nobody could end a wait without an end.
		if (isOver || delay === Infinity) return this.#listener.ended(errorOf(loss))
		this.#letEnd = stayAlive()
		this.#timer = clock.setTimeout(() => this.start(), delay)
		if (loss.error) this.#listener.failed(loss.error)
	}

	/** Sets the timer to the deadline of the attempt. One that comes too early sets itself again. */
	#watch(): void {
		clock.clearTimeout(this.#timer)
		const { deadline } = this.#attempt!
		if (deadline === undefined) return
		this.#timer = clock.setTimeout(
			() => {
				const now = clock.now()
				// Timers stand still while a machine sleeps, and fire before the bytes that waited are read.
				if (now - deadline > sleptMs) this.#attempt!.wake()
				if (this.#attempt!.deadline! <= now) this.#attempt!.expire()
				else this.#watch()
			},
			Math.max(0, deadline - clock.now())
		)
	}
}

/** What a loop throws after its last loss. Without an error, the stream is whole or was ended before it was. */
function errorOf({ error, reason }: Loss): SseError | undefined {
	if (error || /^(done|complete|no-content)$/.test(reason)) return error
	const message =
		DEV || !BROWSER ? `The server ended the stream before it was done: ${reason}` : reason
	return new SseError('cut', message, { reason: reason as CloseReason })
}
