import { DEV } from 'esm-env'
import { clock, type Timer } from '../clock.js'
import type { SseError } from '../errors.js'
import { forgetAnswered } from './advice.js'
import { Attempt } from './attempt.js'
import { isHidden, watchPage, type PageEvent } from './lifecycle.js'
import { policyOf, type Loss, type Policy } from './retry.js'
import { report } from './report.js'
import { Slots } from './slots.js'
import * as machine from './status.js'
import type { LinkOptions, Reason, Status } from './types.js'

/** A timer that comes this many milliseconds late was held up by sleep. */
const slept = 2_000

/** One step of the state machine, as members hear of it. */
export interface Transition {
	status: Status
	reason: Reason
	error?: SseError | undefined
	/** Losses in a row. */
	attempt: number
	/** When the next attempt is due, and in how many milliseconds. */
	retryAt?: Date | undefined
	delay?: number | undefined
	response?: Response | undefined
}

/** Someone who wants the link up, and hears what becomes of it. */
export interface Member {
	transition(transition: Transition): void
	/** Events were lost, and the server says so. */
	gap(): void
	/** After each piece of the stream: the id and the time of the last event may be new. */
	progress(): void
}

/**
 * One physical connection: at most one request and one timer, whoever shares it.
 *
 * 1. A member joins and calls `connect()`; the state machine (`status.ts`) says `connecting`.
 * 2. An `Attempt` makes the request, checks the response and reads it.
 * 3. Its events go to the slots, and from there to whoever listens.
 * 4. Whatever ends it is a `Loss`; the machine says what follows, and the timer brings it about.
 * 5. When the last member has left, or when the machine says `closed`, the link rests.
 */
export class Link {
	lastEventId: string | undefined
	/** Milliseconds since the epoch. */
	lastEventAt: number | undefined
	readonly slots = new Slots()
	readonly #options: LinkOptions
	readonly #policy: Policy
	readonly #rested: () => void
	readonly #members = new Set<Member>()
	readonly #untold: { transition: Transition; members: Member[] }[] = []
	#state = machine.initial
	#attempt: Attempt | undefined
	#timer: Timer
	#timerAt: number | undefined
	#unwatch: (() => void) | undefined
	/** When the page has been hidden for too long. */
	#pauseAt: number | undefined

	/** @param rested called when the link rests: nothing is under way, and nothing will be by itself. */
	constructor(options: LinkOptions, rested: () => void = () => {}) {
		this.#options = options
		this.#policy = policyOf(options.reconnect || { attempts: 0 })
		this.lastEventId = options.lastEventId
		this.#rested = rested
	}

	/** Whether a request is under way, or will be by itself. */
	get isLive(): boolean {
		return this.#state.status !== 'idle' && this.#state.status !== 'closed'
	}

	/** Where it stands, as a member hears it that has just joined. */
	get standing(): Transition {
		const { status, reason, error, losses, retryAt } = this.#state
		const delay = retryAt === undefined ? undefined : Math.max(0, retryAt - clock.now())
		return {
			status,
			reason,
			error,
			attempt: status === 'open' ? 0 : losses,
			retryAt: delay! < Infinity ? new Date(+clock.date() + delay!) : undefined,
			delay,
			response: this.#attempt?.response
		}
	}

	join(member: Member): void {
		this.#members.add(member)
	}

	leave(member: Member): void {
		if (this.#members.delete(member) && this.#members.size === 0 && this.isLive)
			this.#become(machine.unused(this.#state))
	}

	/** Brings the link up, or brings the next attempt forward; while a request is under way it does nothing. */
	connect(): void {
		this.#become(machine.connect(this.#state, clock.now(), this.#policy))
	}

	/** As `connect()`, out of a handler that hears of a loss: after a link that did not last, by way of the back-off. */
	connectAgain(): void {
		this.#become(machine.connectAgain(this.#state, clock.now(), this.#policy, Math.random()))
	}

	/** Takes the next state, and makes the request, the timer and the page handlers fit it. */
	#become(next: machine.State): void {
		const before = this.#state
		// Those who were told one after another may have left meanwhile: for nobody it does not come up.
		if (next === before || (this.#members.size === 0 && !this.isLive)) return
		this.#state = next
		if (machine.isActive(before) && !machine.isActive(next)) this.#attempt?.abort()
		const { standing } = this
		if (!machine.isActive(next)) this.#attempt = undefined
		this.#untold.push({ transition: standing, members: [...this.#members] })
		if (this.isLive) this.#wake()
		else this.#rest()
		if (next.status === 'connecting' && !this.#attempt) {
			if (DEV && (before.status !== 'reconnecting' || before.reason === 'asked'))
				forgetAnswered(this.#options)
			this.#begin()
		}
		this.#arm()
		this.#tell()
	}

	/** In order, also when a member's answer to one step is the next. */
	#tell(): void {
		if (this.#untold.length !== 1) return
		for (let next = this.#untold[0]; next; next = this.#untold[0]) {
			for (const member of next.members) tell(member, next.transition)
			this.#untold.shift()
		}
	}

	#begin(): void {
		const members = this.#members
		this.#attempt = new Attempt(this.#options, this.lastEventId, {
			accepted: () => this.#become(machine.accepted(this.#state, clock.now())),
			bytes: () => this.#become(machine.trusted(this.#state)),
			message: (message) => {
				this.lastEventAt = message.at
				this.slots.deliver(message)
			},
			id: (id) => (this.lastEventId = id || undefined),
			gap: () => members.forEach((member) => member.gap()),
			parsed: () => members.forEach((member) => member.progress()),
			deadline: () => this.#arm(),
			lost: (loss) => this.#lose(loss)
		})
	}

	#lose(loss: Loss): void {
		const before = this.#state
		const next = machine.lost(before, loss, clock.now(), this.#policy, Math.random())
		// The user's `decide` may have closed the link meanwhile.
		if (this.#state === before) this.#become(next)
	}

	#wake(): void {
		if (this.#unwatch) return
		this.#unwatch = watchPage((event) => this.#hearPage(event))
		if (isHidden()) this.#hidden()
	}

	#rest(): void {
		this.#unwatch?.()
		this.#unwatch = this.#pauseAt = undefined
		this.#members.clear()
		this.#rested()
	}

	/** Sets the one timer to the next thing that time brings. A timer that comes too early sets itself anew. */
	#arm(): void {
		const at = this.#nextDeadline()
		if (at !== undefined && this.#timerAt !== undefined && this.#timerAt <= at) return
		clock.clearTimeout(this.#timer)
		this.#timerAt = at
		if (at === undefined) return
		this.#timer = clock.setTimeout(() => this.#alarm(at), Math.max(0, at - clock.now()))
	}

	#nextDeadline(): number | undefined {
		const { retryAt } = this.#state
		const at = Math.min(
			...[retryAt, this.#attempt?.deadline, this.#pauseAt].map((at) => at ?? Infinity)
		)
		return at < Infinity ? at : undefined
	}

	#alarm(expectedAt: number): void {
		this.#timerAt = undefined
		const now = clock.now()
		// Timers stand still while a machine sleeps, and fire before the bytes that waited are read.
		if (now - expectedAt > slept) this.#attempt?.wake()
		if (isDue(this.#pauseAt, now)) this.#pause('hidden')
		else if (isDue(this.#state.retryAt, now)) this.#become(machine.attempt(this.#state, now))
		else if (isDue(this.#attempt?.deadline, now)) this.#attempt?.expire()
		this.#arm()
	}

	#pause(reason: 'hidden' | 'away'): void {
		this.#pauseAt = undefined
		// The request of a page that was left and is shown again would be a second one, such as the same question to a model.
		if (this.#policy.attempts > 0) this.#become(machine.paused(this.#state, reason))
		else this.#lose({ reason })
	}

	#hidden(): void {
		if (this.#options.pauseAfter === undefined) return
		this.#pauseAt = clock.now() + this.#options.pauseAfter
		this.#arm()
	}

	#hearPage(event: PageEvent): void {
		const { reason } = this.#state
		if (event === 'pagehide') return this.#pause('away')
		if (event === 'close') return this.#become(machine.closed)
		if (event === 'visibilitychange') {
			if (isHidden()) return this.#hidden()
			this.#pauseAt = undefined
		}
		// Without heartbeats nothing would ever show whether the old connection is alive.
		if (event === 'online' && machine.isDoubted(this.#state) && !this.#attempt!.isWatched)
			this.#lose({ reason: 'offline' })
		else this.#attempt?.doubt()
		if (event === 'offline') this.#become(machine.doubted(this.#state))
		// What was paused comes back with the page that paused it, and nothing else.
		else if (reason === 'away' ? event === 'pageshow' : reason !== 'hidden' || !isHidden())
			this.#become(machine.resumed(this.#state, clock.now()))
	}
}

/** A member that fails must not keep the others from hearing. */
function tell(member: Member, transition: Transition): void {
	try {
		member.transition(transition)
	} catch (thrown) {
		report(thrown)
	}
}

function isDue(at: number | undefined, now: number): boolean {
	return at !== undefined && at <= now
}
