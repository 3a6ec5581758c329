import { DEV } from 'esm-env'
import { clock, type Timer } from '../clock.js'
import type { SseError } from '../errors.js'
import { report } from '../parts/report.js'
import { forgetAnswered } from './advice.js'
import { Attempt } from './attempt.js'
import { hiddenSince, isHidden, isOffline, watchPage, type PageEvent } from './lifecycle.js'
import { policyOf, type Loss, type Policy } from './retry.js'
import { Slots } from './slots.js'
import * as machine from './status.js'
import type { LinkOptions, Reason, Status } from './types.js'

/** A timer that comes this many milliseconds late was held up by sleep. */
const sleptMs = 2_000

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
	/** Once open: whether the stream goes on behind the last event id, if it has said so. */
	resumed?: boolean | undefined
}

/** Wants the link up, and hears of its changes. */
export interface Member {
	transition(transition: Transition): void
	/** A stream begins that does not go on where the last one was lost. */
	fresh(): void
	/** Events were lost, and the server says so. */
	gap(): void
	/** A piece of the stream was delivered: the id and the time of the last event may be new. */
	parsed(): void
}

/** A transition, and the members that have not been told of it yet. */
interface Step {
	transition: Transition
	members: Set<Member>
}

/**
 * One physical connection: at most one request and one timer, whoever shares it.
 *
 * 1. A member joins and calls `want()` or `connect()`; the state machine (`status.ts`) says `connecting`.
 * 2. An `Attempt` makes the request, checks the response and reads it.
 * 3. Its events go to the slots, and from there to their listeners.
 * 4. Each ending is a `Loss`; the machine decides what follows, and the timer brings it about.
 * 5. When the last member has left, or when the machine says `closed`, the link rests.
 */
export class Link {
	/** The id that the next attempt resumes from. */
	lastEventId: string | undefined
	/** Milliseconds since the epoch. */
	lastEventAt: number | undefined
	/** Another object after each start over; undefined: there was none. */
	stream: object | undefined
	readonly slots = new Slots()
	readonly #options: LinkOptions
	readonly #policy: Policy
	readonly #members = new Set<Member>()
	readonly #untold: Step[] = []
	#state = machine.initial
	#attempt: Attempt | undefined
	#timer: { at: number; id: Timer } | undefined
	#unwatch: (() => void) | undefined

	/**
	 * @param former the link that its handle was on before, to another URL
	 * @param isSameStream whether it is the same stream, asked for in another way
	 */
	constructor(options: LinkOptions, former?: Link, isSameStream = false) {
		this.#options = options
		this.#policy = policyOf(options.reconnect || { attempts: 0 })
		this.lastEventId = options.lastEventId
		if (former)
			this.#state = machine.successor(former.#state, this.#policy, isSameStream, isOffline())
	}

	get url(): string {
		return this.#options.url
	}

	/** Whether a request is under way, or will be by itself. */
	get isLive(): boolean {
		return machine.isLive(this.#state)
	}

	/** A link at rest makes no request before this time of the clock. */
	get restsUntil(): number {
		return machine.restsUntil(this.#state)
	}

	/** The present state, as a member hears of it that has just joined. */
	get standing(): Transition {
		return this.#describe(false)
	}

	/**
	 * @param lastEventId the last id that the member has seen; a link at rest goes on from there
	 * @returns whether the link has delivered events that the member has not seen
	 */
	join(member: Member, lastEventId: string | undefined): boolean {
		if (!this.isLive) this.lastEventId = lastEventId
		this.#members.add(member)
		return lastEventId !== undefined && lastEventId !== this.lastEventId
	}

	/** Tells a member now what it is about to hear. */
	tell(member: Member): void {
		for (const { transition, members } of [...this.#untold])
			if (members.delete(member)) member.transition(transition)
	}

	leave(member: Member): void {
		// It may come back before the others have been told: what happened before is not its affair then.
		for (const { members } of this.#untold) members.delete(member)
		if (this.#members.delete(member) && this.#members.size === 0 && this.isLive)
			this.#become(machine.unused(this.#state, this.#policy))
	}

	/** Brings the link up; what waits for its back-off goes on waiting. */
	want(): void {
		this.#become(machine.want(this.#woken(), clock.now(), this.#policy))
	}

	/** Brings the link up, or brings the next attempt forward; while a request is under way it does nothing. */
	connect(): void {
		this.#become(machine.connect(this.#woken(), clock.now(), this.#policy))
	}

	/** Takes the next state, and makes the request, the timer and the page handlers fit it. */
	#become(next: machine.State): void {
		const before = this.#state
		// Those who were told one after another may have left meanwhile: do not reconnect for nobody.
		if (next === before || (this.#members.size === 0 && !this.isLive)) return
		this.#state = next
		if (machine.isActive(before) && !machine.isActive(next)) this.#attempt?.abort()
		const isResponse = before.phase !== 'doubted'
		const step = { transition: this.#describe(isResponse), members: new Set(this.#members) }
		if (!machine.isActive(next)) this.#attempt = undefined
		if (this.isLive) this.#unwatch ??= watchPage((event) => this.#hearPage(event))
		else this.#rest()
		if (machine.isActive(next) && !this.#attempt) {
			if (DEV && next.reason === 'asked') forgetAnswered(this.#options)
			this.#begin()
		}
		this.#arm()
		if (next.phase !== before.phase || next.dueAt !== before.dueAt) this.#tell(step)
	}

	/** @param isResponse whether the response has come just now */
	#describe(isResponse: boolean): Transition {
		const { reason, error, losses } = this.#state
		const status = machine.statusOf(this.#state)
		const retryAt = machine.retryAt(this.#state)
		const delay = retryAt === undefined ? undefined : Math.max(0, retryAt - clock.now())
		return {
			status,
			reason,
			error,
			attempt: status === 'open' ? 0 : losses,
			retryAt: delay! < Infinity ? new Date(+clock.date() + delay!) : undefined,
			delay,
			response: this.#attempt?.response,
			resumed: isResponse && status === 'open' ? this.#attempt?.resumed : undefined
		}
	}

	/** In order, also when a member's answer to one step is the next. */
	#tell(step: Step): void {
		this.#untold.push(step)
		if (this.#untold.length !== 1) return
		for (let next = this.#untold[0]; next; next = this.#untold[0]) {
			const { transition, members } = next
			each(members, (member) => member.transition(transition))
			this.#untold.shift()
		}
	}

	#begin(): void {
		const members = this.#members
		this.#attempt = new Attempt(this.#options, this.lastEventId, {
			accepted: () => this.#become(machine.accepted(this.#state, clock.now())),
			fresh: () => {
				this.stream = {}
				each(members, (member) => member.fresh())
			},
			bytes: () => this.#become(machine.trusted(this.#state)),
			message: (message) => {
				this.lastEventAt = message.at
				this.slots.deliver(message)
			},
			id: (id) => (this.lastEventId = id || undefined),
			retry: (delay) => this.#become(machine.told(this.#state, delay)),
			gap: () => each(members, (member) => member.gap()),
			parsed: () => each(members, (member) => member.parsed()),
			deadline: () => this.#arm(),
			lost: (loss) => this.#lose(loss)
		})
	}

	#lose(loss: Loss): void {
		const lostAt = clock.now()
		// The user's `decide`, which this asks, may connect.
		const before = (this.#state = { ...this.#state, lostAt })
		const next = machine.lost(before, loss, lostAt, this.#policy, Math.random(), isOffline())
		if (this.#state === before) return this.#become(next)
		const since = machine.lostMeanwhile(this.#state, next, lostAt, this.#policy)
		if (this.isLive) this.#become(since)
		else this.#state = since
	}

	#rest(): void {
		this.#unwatch?.()
		this.#unwatch = undefined
		this.#members.clear()
	}

	/** Sets the one timer to the next thing that time brings. A timer that comes too early sets itself again. */
	#arm(): void {
		const at = this.#nextDeadline()
		if (at < Infinity && this.#timer && this.#timer.at <= at) return
		clock.clearTimeout(this.#timer?.id)
		this.#timer =
			at < Infinity
				? { at, id: clock.setTimeout(() => this.#alarm(at), Math.max(0, at - clock.now())) }
				: undefined
	}

	#nextDeadline(): number {
		const state = this.#state
		const deadlines = [machine.retryAt(state), this.#attempt?.deadline, machine.pausesAt(state)]
		return Math.min(...deadlines.map((at) => at ?? Infinity))
	}

	#alarm(expectedAt: number): void {
		this.#timer = undefined
		const now = clock.now()
		// Timers stand still while a machine sleeps, and fire before the bytes that waited are read.
		if (now - expectedAt > sleptMs) this.#attempt?.wake()
		if (isDue(machine.pausesAt(this.#state), now)) this.#pause('hidden')
		else if (isDue(machine.retryAt(this.#state), now)) this.#become(machine.due(this.#state, now))
		else if (isDue(this.#attempt?.deadline, now)) this.#attempt?.expire()
		this.#arm()
	}

	#pause(reason: 'hidden' | 'away'): void {
		// The request of a page that was left and is shown again would be a second one, such as the same question to a model.
		if (this.#policy.attempts > 0) this.#become(machine.paused(this.#state, reason))
		else this.#lose({ reason })
	}

	/** The state of a link that is about to be up, which knows whether the page is hidden. */
	#woken(): machine.State {
		return this.isLive ? this.#state : machine.seen(this.#state, this.#patience())
	}

	/** When a page that is hidden now will have been hidden for too long. */
	#patience(): number | undefined {
		const { pauseAfter } = this.#options
		const since = pauseAfter === undefined ? undefined : hiddenSince()
		return since === undefined ? undefined : since + pauseAfter!
	}

	#hearPage(event: PageEvent): void {
		if (event === 'pagehide') return this.#pause('away')
		if (event === 'close') return this.#become(machine.closed)
		if (event === 'visibilitychange') this.#become(machine.seen(this.#state, this.#patience()))
		if (event === 'offline') {
			if (this.#attempt?.response) this.#become(machine.doubted(this.#state))
			return
		}
		if (event === 'visibilitychange' && isHidden()) return
		// Nothing has come since the network was lost: waiting for the next heartbeat would take minutes.
		if (event === 'online' && machine.isInDoubt(this.#state))
			return this.#lose({ reason: 'offline' })
		this.#attempt?.doubt()
		this.#resume(event)
	}

	/** What was paused comes back with the page that paused it, and with nothing else. */
	#resume(event: PageEvent): void {
		const isAway = machine.isPaused(this.#state) && this.#state.reason === 'away'
		if (!isAway || event === 'pageshow')
			this.#become(machine.resumed(this.#state, clock.now(), this.#policy))
	}
}

/** A member that fails must not keep the others from hearing. */
function each(members: Set<Member>, tell: (member: Member) => void): void {
	// Those who leave and come back meanwhile are not told twice.
	for (const member of [...members]) {
		try {
			if (members.has(member)) tell(member)
		} catch (thrown) {
			report(thrown)
		}
	}
}

function isDue(at: number | undefined, now: number): boolean {
	return at !== undefined && at <= now
}
