import type { Handle } from './handle.js'
import type { Loss, Served, Stream } from './network.js'
import type { World } from './world.js'

/** Milliseconds of `reconnect.min`. */
const min = 500

export interface LineOptions {
	/** The path of its URL, if that is not its name. */
	path?: string
	/** Milliseconds that the page may be hidden. */
	pauseAfter?: number
	/** Losses in a row that are forgiven; 0 with `reconnect: false`. */
	attempts?: number
	/** Whether `decide` is asked. */
	isDecided?: boolean
}

/** What one link does, as its server and its handles see it: never two requests, none for nobody, none too early. */
export class Line {
	readonly name: string
	readonly path: string
	readonly world: World
	readonly stream: Stream
	/** The handles that want it. */
	readonly members = new Set<Handle>()
	/** The request under way. */
	served: Served | undefined
	/** The id that the next request has to name. */
	cursor: number | undefined
	triedAt = -Infinity
	requests = 0
	/** Answers each request as it is made. */
	serve: ((served: Served) => void) | undefined
	readonly #options: LineOptions
	/** Losses in a row. */
	#losses = 0
	#lostAt = -Infinity
	/** When the line was last lost that a handle was on before. */
	#formerLostAt = -Infinity
	/** Milliseconds that have to pass after the loss. */
	#minWait = 0
	#maxWait = 0
	/** Milliseconds that have to pass whoever asks. */
	#floor = 0
	/** The `retry:` in force, and the `Retry-After`. */
	#retry = 0
	/** What it may be at most, where it is not known whether it is still in force. */
	#maxRetry = 0
	#boundUntil = -Infinity
	/** `retryAt`, when a handle was last asked. */
	#due: number | undefined
	/** Since when somebody wants it. */
	#wantedAt = -Infinity
	/** Whether it was lost since somebody wants it. */
	#hasLost = false
	#pausedBy: 'hidden' | 'away' | undefined
	/** Whether `connect()` may have ended the pause: not if it answers a loss, and the link may be one that knows of no loss. */
	#mayBeBack = false
	#hiddenUntil: number | undefined
	/** Before this time, losses of another line may still keep it from a request. */
	#notBefore = -Infinity
	/** Whether `decide` has said to wait for ever. */
	#isParked = false

	constructor(world: World, name: string, stream: Stream, options: LineOptions = {}) {
		this.world = world
		this.name = name
		this.path = options.path ?? name
		this.stream = stream
		this.#options = options
	}

	readonly claim = (isTrue: boolean, text: string): void =>
		this.world.claim(isTrue, `${this.name}: ${text}`)

	get now(): number {
		return this.world.clock.now
	}

	get isLive(): boolean {
		return this.members.size > 0
	}

	get status(): 'connecting' | 'open' | 'reconnecting' {
		return this.served?.status ?? 'reconnecting'
	}

	get isHiddenTooLong(): boolean {
		return this.#hiddenUntil !== undefined && this.#hiddenUntil <= this.now
	}

	tell(hear: (handle: Handle) => void): void {
		for (const handle of [...this.members]) if (this.members.has(handle)) hear(handle)
	}

	/** A handle comes that was on another line before: it brings along what keeps a server from a storm. */
	follows(former: Line | undefined): void {
		if (!former || former === this) return
		this.#formerLostAt = former.#lostAt
		this.#notBefore = Math.max(former.#lostAt + min, former.#boundUntil)
		// Where the URL asks for the same stream in another way, a `retry:` stays in force.
		this.#maxRetry = Math.max(this.#maxRetry, former.#maxRetry)
	}

	/** A handle wants it that is not on it yet. */
	join(handle: Handle): void {
		const wasLive = this.isLive
		this.members.add(handle)
		if (!wasLive) {
			this.cursor = handle.cursor
			this.#forget()
			return this.#wake()
		}
		const hasMissed = handle.cursor !== undefined && handle.cursor !== this.cursor
		handle.cursor = this.cursor
		handle.stand(this.status)
		if (hasMissed) handle.gap()
	}

	leave(handle: Handle): void {
		if (this.members.delete(handle) && !this.isLive) this.#rest()
	}

	/** `connect()` of a handle that is on it: what waits need not wait, except in answer to a loss. */
	connect(): void {
		if (this.served) return
		if (this.now >= Math.max(this.#lostAt, this.#formerLostAt) + min) this.#hurry()
		else this.#mayBeBack = this.#pausedBy !== undefined
	}

	/** The page is back, or the network. */
	resume(isBackFromAway = false): void {
		if (!this.isLive || this.served) return
		if (this.#pausedBy !== 'away' || isBackFromAway) this.#hurry()
	}

	/** The server wants to be asked no sooner, from now on. */
	heed(retry: number): void {
		this.#retry = retry
		this.#maxRetry = Math.max(retry, this.#maxRetry)
	}

	/** The page has turned to, or from, its visitor. */
	turn(): void {
		// A page that is shown is forgotten to have been hidden, also while nobody wants a connection.
		if (this.isLive || !this.world.page.isHidden) this.#hiddenUntil = this.#patience()
		if (!this.world.page.isHidden) this.resume()
	}

	/** The page was hidden for too long, or left. */
	pause(by: 'hidden' | 'away'): void {
		if (!this.isLive) return
		if (this.#options.attempts === 0) return this.lose({ isLocal: true, isPlain: true })
		this.#pausedBy = by
		this.#isParked = false
		this.#hasLost = true
		this.#forgetWait()
		if (!this.served) return
		this.#end()
		this.tell((handle) => handle.stand('reconnecting', true))
	}

	/** The browser has a network again. Nothing has come since it was lost: what was open then is tried again. */
	online(): void {
		if (this.served?.isDoubted) this.lose({ isPlain: true })
		else this.resume()
	}

	/** The browser has lost the network. */
	doubt(): void {
		if (!this.served || this.served.isPending || this.served.isDoubted) return
		this.served.isDoubted = true
		if (this.served.isAccepted) this.tell((handle) => handle.stand('reconnecting'))
	}

	/** Somebody makes a request. */
	ask(served: Served): void {
		const { now, claim } = this
		this.world.letGo(false)
		this.requests++
		if (this.#mayBeBack) this.#hurry()
		this.#mayBeBack = false
		claim(this.isLive, 'nobody wants it, and a request is made')
		claim(!this.served, 'a second request is made')
		claim(!this.isHiddenTooLong, 'a request is made though the page is hidden')
		claim(this.#pausedBy === undefined, 'a request is made though the page has paused it')
		claim(now >= this.#boundUntil, 'a request is made before `Retry-After` has passed')
		claim(
			this.#losses < 2 || now >= this.#lostAt + min,
			'after the second loss, a request is made before `min` has passed'
		)
		claim(
			now >= Math.max(this.#lostAt + this.#minWait, this.#due ?? 0),
			'a request is made before the back-off has passed'
		)
		const id = this.cursor === undefined ? null : `${this.cursor}`
		claim(served.call.lastEventId === id, `a request names ${served.call.lastEventId}, not ${id}`)
		this.triedAt = now
		this.#due = undefined
		this.#isParked = false
		served.isFirst = !this.#hasLost && now === this.#wantedAt && !this.#mayRest()
		this.served = served
		this.tell((handle) => handle.stand(served.status))
	}

	/** The response ended, or never came. */
	lose(loss: Loss): void {
		const { attempts = Infinity, isDecided } = this.#options
		const { isOrderly, isFinal, isMeant, bind } = loss
		const isStable = this.served?.isAccepted && this.now - this.served.acceptedAt >= 5_000
		if (isOrderly) this.#losses = 0
		else if (isStable) this.#losses = 1
		else if (!this.world.isOnline) this.#losses = Math.max(1, this.#losses)
		else this.#losses++
		const decision = isDecided && !isFinal ? this.world.decision : undefined
		const isUsedUp = Math.max(1, this.#losses) > attempts && (this.world.isOnline || attempts === 0)
		const isOver = isFinal || isUsedUp || decision === false || (isMeant && decision === undefined)
		this.#lostAt = this.now
		this.#hasLost = true
		this.#due = undefined
		this.#pausedBy = undefined
		this.#isParked = decision === Infinity && !isOver
		if (bind !== undefined) this.#boundUntil = this.now + bind
		const asked = Math.max(this.#retry, bind ?? 0)
		this.#floor = isOrderly ? 250 : this.#losses > 1 ? min : 0
		this.#minWait = Math.max(asked, this.#floor)
		this.#maxWait = Math.max(asked, this.#maxRetry) + (isOrderly ? 250 + min : 30_000)
		if (isStable && loss.isAtOnce) this.#minWait = 0
		if (typeof decision === 'number') this.#minWait = isStable || this.#losses === 1 ? 0 : min
		this.#end()
		if (!loss.isPlain) this.tell((handle) => handle.fail())
		if (isOver) this.#close(loss)
		else this.tell((handle) => handle.stand('reconnecting', false, !loss.isPlain))
	}

	/** After each step: what the handles say must be true, and nothing that has to happen is forgotten. */
	settle(wokenAt: number): void {
		if (!this.isLive) return
		const { claim, now } = this
		if (this.isHiddenTooLong && !this.#pausedBy) this.pause('hidden')
		this.served?.checkPatience(wokenAt)
		if (this.served) return this.tell((handle) => handle.checkRetryAt(undefined))
		this.#hasLost = true
		const [handle] = this.members
		const retryAt = handle!.connection.retryAt
		this.tell((handle) => {
			handle.stand('reconnecting')
			handle.checkRetryAt(retryAt)
		})
		if (retryAt && this.#mayBeBack) this.#hurry()
		this.#mayBeBack = false
		const isStill = this.#pausedBy !== undefined || this.#isParked
		claim(!!retryAt !== isStill, `it ${isStill ? 'comes back' : 'stays away'} by itself`)
		if (!retryAt) return
		this.#due = +retryAt
		const latest = Math.max(
			this.#lostAt + this.#maxWait,
			this.#boundUntil,
			this.#wantedAt,
			this.#notBefore
		)
		claim(+retryAt >= now - 1 && +retryAt <= latest, `the wait until ${+retryAt} is too long`)
	}

	#hurry(): void {
		if (this.isHiddenTooLong) return this.pause('hidden')
		this.#pausedBy = undefined
		this.#isParked = false
		this.#forgetWait()
	}

	/** The back-off need not pass any more; what prevents a storm stays. */
	#forgetWait(): void {
		this.#due = undefined
		this.#minWait = Math.min(this.#minWait, this.#floor)
	}

	#patience(): number | undefined {
		const { pauseAfter } = this.#options
		if (pauseAfter === undefined) return undefined
		const { hiddenSince } = this.world
		return hiddenSince === undefined ? undefined : hiddenSince + pauseAfter
	}

	/** Whether a link that rests may have waited for a moment, until `connect()` ended that. */
	#mayRest(): boolean {
		const [handle] = this.members
		return this.now < this.#lostAt + this.#maxWait && handle!.connection.status === 'reconnecting'
	}

	/** By now, the link that knew of the losses may be gone, and another in its place; not so where a handle is alone. */
	#forget(): void {
		const isDue = this.now >= Math.max(this.#lostAt + this.#minWait, this.#due ?? 0)
		if (isDue && !this.#options.attempts) this.#losses = this.#floor = this.#retry = 0
	}

	#wake(): void {
		this.#wantedAt = this.now
		this.#hasLost = false
		this.#pausedBy = undefined
		this.#hiddenUntil = this.#patience()
		if (this.isHiddenTooLong) this.pause('hidden')
	}

	/** Nobody wants it any more. One that was lost is not tried sooner for that; a wait without an end has one then. */
	#rest(): void {
		this.#isParked = false
		if (this.served?.isAccepted) {
			this.#losses = this.#floor = this.#minWait = 0
			this.#due = undefined
		}
		this.#end()
	}

	#end(): void {
		if (this.served) this.served.isOver = true
		this.served = undefined
	}

	/** It is over for all, except for those who connect again when they hear of it. */
	#close({ isLocal }: Loss): void {
		const all = [...this.members]
		this.members.clear()
		for (const handle of all) {
			handle.stand('closed', isLocal)
			if (handle.isStubborn && !isLocal) this.members.add(handle)
			else handle.end()
		}
		if (this.isLive) this.#wake()
	}
}
