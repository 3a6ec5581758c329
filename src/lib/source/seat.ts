import { DEV } from 'esm-env'
import { untrack } from 'svelte'
import type { Incoming, Opened, Receiver, Session } from '../channel/feed.js'
import { Lease } from '../channel/lease.js'
import { environment } from '../environment.js'
import { SseError } from '../errors.js'
import { warnOfTwins } from '../link/advice.js'
import { Link, type Member, type Transition } from '../link/link.js'
import { acquire, peek, shareKey, sweep } from '../link/pool.js'
import { publish } from '../parts/publish.js'
import type { Message } from '../link/types.js'
import { isRunning, reader } from '../reactive.svelte.js'
import { Callbacks } from './callbacks.js'
import type { ConnectionConfig } from './config.js'
import { Decoding } from './decoding.js'
import { resting, type Ending, type Standing } from './standing.js'
import type { Start } from './start.js'
import { Url, type Place } from './url.js'

/** Wants the connection: a channel, or nobody but the user. */
interface Holder {
	/** Whether it wants the connection; a channel does not any more, once that was closed. */
	holds: boolean
	/** The channel, and the name of its events. */
	readonly receiver?: Receiver<unknown>
	readonly name?: string
	/** Without a channel: what `connect()` has given to its user. */
	readonly pin?: Lease
	/** Takes the channel off the link; there while it is on one. */
	stop?: () => void
}

/** The time of a handle on a link. */
interface Membership {
	leave(): void
	/** Whether the handle has come as far as the link, and has been told of a gap before. */
	isCurrent?: boolean
	/** How the link has ended, while the handle is only about to hear of it. */
	ending?: Transition
}

/** One handle's place on a link: who holds it there, which URL it is for, and what its channels and callbacks hear. */
export class Seat implements Member, Session {
	readonly #config: ConnectionConfig
	readonly #start: Start
	readonly #standing: Standing
	readonly #callbacks: Callbacks
	readonly #decoding: Decoding
	readonly #holders = new Set<Holder>()
	readonly #from: Url
	#place: Place
	/** The last URL, which the values and the cursor belong to. */
	#url: string | undefined
	/** The last link, whether the handle is on it or not: that of this URL, or that of the URL before. */
	#link: Link | undefined
	/** There while the handle is on the link. */
	#membership: Membership | undefined

	constructor(config: ConnectionConfig, start: Start, standing: Standing) {
		this.#config = config
		this.#start = start
		this.#standing = standing
		this.#callbacks = new Callbacks(config, standing, this)
		this.#decoding = new Decoding(config.events, ({ id, at }) => {
			if (id) standing.progress(id, at)
		})
		this.#from = new Url(config.from)
		standing.lastEventId.set(start.lastEventId(untrack(() => this.url())))
		if (!this.#from.isFollowed) this.#move(this.#from.read())
	}

	url(): string | undefined {
		const place = this.#from.read()
		return typeof place === 'string' ? place : undefined
	}

	get follow(): (() => void) | undefined {
		return this.#from.isFollowed ? this.#follow : undefined
	}

	readonly #follow = (): void => {
		// A reader of what is over runs again, and opens nothing.
		if (!this.#isHeld && !this.isOver()) this.#from.askAnew()
		const place = this.#from.read()
		untrack(() => this.#move(place))
	}

	get settled(): string | undefined {
		return this.#url
	}

	get era(): number {
		return this.#standing.era
	}

	get stream(): object | undefined {
		return this.#isOn ? this.#link!.stream : undefined
	}

	get resets(): boolean {
		return this.#config.urlChange === 'reset' && this.#from.isFollowed
	}

	linger(): number {
		return this.#isOn ? this.#config.linger : 0
	}

	isOver(): boolean {
		return !this.#isOn && this.#standing.now.status === 'closed'
	}

	closings(mayRepeat: boolean): () => boolean {
		const who = reader()
		const standing = this.#standing
		// An effect that changes what it depends on runs again at once.
		const isRepeat = mayRepeat && standing.now.closing?.isRecent
		const before = isRepeat ? undefined : standing.now
		return () => {
			const { now } = standing
			return !this.#isOn && now !== before && now.closing?.by === who
		}
	}

	ending(): { error: SseError | undefined } | undefined {
		if (!environment.isClient) return { error: noClient() }
		return this.isOver() ? { error: this.#standing.now.error } : undefined
	}

	failed(error: SseError): void {
		this.#callbacks.failed(error)
	}

	/**
	 * Brings the events of one name, and holds the link.
	 *
	 * @param isQuiet only brings events, while others hold it
	 */
	feed(name: string, receiver: Receiver<unknown>, isQuiet: boolean): Opened {
		const holder: Holder = { holds: false, receiver, name }
		const renew = (): void => {
			const hasEnded = this.#offIfEnded()
			if (holder.holds && !hasEnded) return
			if (this.#moveIfUnheld()) return
			holder.holds = true
			if (!this.#isOn) this.#attach((link) => link.want())
		}
		this.#holders.add(holder)
		if (!isQuiet) this.#offIfEnded()
		if (this.#isOn && !this.#membership!.ending) this.#wire(holder)
		if (!isQuiet || this.#isOn) renew()
		return { renew, close: () => this.#release(holder) }
	}

	/** The last event of one name, on the link that the handle is on, or would get on. */
	last(name: string, again: () => void): Incoming<unknown> | undefined {
		const link = this.#isOn ? this.#link : this.#nearby()
		const message = link?.slots.last(name)
		return message && this.#decoding.last(name, message, again)
	}

	/** `connect()`: holds the link without a channel, until it is closed; what waits is tried now. */
	connect(): () => void {
		this.#offIfEnded()
		const release = this.#pin()
		if (this.#isOn) this.#link!.connect()
		else this.#attach((link) => link.connect())
		return release
	}

	/** Out of a callback: what waits goes on waiting. */
	reconnect({ reason }: Ending): void {
		if (reason === 'unused' || this.#isOn) return
		// The end has also ended what `connect()` held, and nobody may have released since.
		for (const pin of this.#standing.now.pins ?? []) pin.renew()
		if (this.#holders.size > 0) this.#attach((link) => link.want())
	}

	close(): void {
		this.#depart('local')
		// A callback may have connected again.
		if (!this.#isOn && isRunning()) this.#standing.closedBy(reader())
	}

	/** For the link. */
	transition(transition: Transition): void {
		const membership = this.#membership
		if (!membership) return
		if (transition.status === 'closed') {
			membership.ending = transition
			// What others bring about on the same link from here on is not for this handle, which may hear of the end later.
			this.#quit()
		}
		this.#decoding.inOrder(() => {
			// Meanwhile the handle may have left.
			if (this.#membership !== membership) return
			if (transition.status !== 'closed') return this.#stand(transition)
			this.#off()
			this.#end(transition)
		})
	}

	/** For the link. */
	fresh(): void {
		this.#decoding.inOrder(() => this.#each((receiver) => receiver.fresh()))
	}

	/** For the link. */
	gap(): void {
		this.#decoding.inOrder(() => this.#callbacks.gap())
	}

	/** For the link. */
	parsed(): void {
		const { lastEventId, lastEventAt } = this.#link!
		this.#decoding.inOrder(() => this.#standing.progress(lastEventId, lastEventAt))
	}

	get #isOn(): boolean {
		return this.#membership !== undefined
	}

	get #isHeld(): boolean {
		for (const { holds } of this.#holders) if (holds) return true
		return false
	}

	/** Whether the stream has ended, and was not closed by its user: another URL is another stream. */
	get #isEnded(): boolean {
		return this.isOver() && this.#standing.now.reason !== 'local'
	}

	/** Each such hold is one of its own, and `close()` ends them all. */
	#pin(): () => void {
		const pin: Lease = new Lease(this, () => {
			const holder: Holder = { holds: true, pin }
			const renew = (): void => {
				this.#moveIfUnheld()
				this.#holders.add(holder)
			}
			renew()
			return { renew, close: () => this.#release(holder) }
		})
		return pin.hold()
	}

	#release(holder: Holder): void {
		holder.stop?.()
		if (this.#holders.delete(holder) && !this.#isHeld) this.#depart('unused')
	}

	/**
	 * After a time in which nobody held it, the URL may be another.
	 *
	 * @returns whether readers of an end have been brought there
	 */
	#moveIfUnheld(): boolean {
		if (this.#isHeld) return false
		if (this.isOver()) this.#from.askAnew()
		return this.#move(untrack(() => this.#from.read()))
	}

	/**
	 * Hears now of the end of the link, if this handle was only about to.
	 *
	 * @returns whether it was
	 */
	#offIfEnded(): boolean {
		if (this.#isOn) this.#link!.tell(this)
		const ending = this.#membership?.ending
		if (!ending) return false
		this.#off()
		this.#end(ending)
		return true
	}

	/** Before the first hold: a reader sees at once what others have received. */
	#nearby(): Link | undefined {
		const { share, key } = this.#config
		const place = this.#link ? undefined : untrack(() => this.#from.read())
		if (typeof place !== 'string' || !share || !environment.isClient) return undefined
		return peek(shareKey(this.#start.link(place), key))
	}

	/** @returns whether it has moved, and somebody holds it there */
	#move(place: Place): boolean {
		// Where the URL function throws, each error is another object.
		const isSame = `${place}` === `${this.#place}`
		if (!isSame) this.#off()
		this.#place = place
		if (isSame) return false
		if (typeof place === 'string' && place !== this.#url) this.#begin(place)
		if (this.#isEnded) for (const holder of this.#holders) holder.holds = true
		const isHeld = this.#isHeld
		if (isHeld) this.#attach((link) => link.want())
		return isHeld
	}

	/** The URL is another. */
	#begin(url: string): void {
		const isFirst = this.#url === undefined
		const { lastEventId } = this.#standing
		const startsOver = isFirst || this.#config.urlChange === 'reset'
		this.#url = url
		if (isFirst) this.#start.settle(url)
		if (startsOver) {
			this.#decoding.drop()
			this.#standing.startOver()
			// The handle may come back to its URL, before another link has taken the place of this one.
			if (!this.#link?.isLive) this.#link?.slots.forget()
		}
		// What was shown so far may have been for the URL that the function gave before.
		lastEventId.set((isFirst ? undefined : lastEventId.plain) ?? this.#start.lastEventId(url))
		if (startsOver) this.#each((receiver) => receiver.again())
	}

	/** Ends it for all who hold it, or because nobody does. */
	#depart(reason: 'local' | 'unused' | 'aborted'): void {
		const response = this.#link?.standing.response
		const wasOn = this.#isOn
		this.#off()
		// Behind what is dropped now stands how far it has come: it is asked for again.
		this.#decoding.drop()
		if (reason === 'unused') {
			if (wasOn) this.#stand({ ...resting, response })
			// While its own end is being told, there is no other one.
		} else if (wasOn || (this.#isHeld && !(reason === 'local' && this.isOver())))
			this.#end({ ...resting, reason, error: this.#standing.abortion, response })
	}

	/**
	 * Gets on the link of this URL, whether it is up already or not. Without a URL nothing is requested.
	 */
	#attach(start: (link: Link) => void): void {
		const place = this.#place
		const { share, key, signal } = this.#config
		if (!environment.isClient) return
		if (this.#standing.abortion) return this.#depart('aborted')
		if (place instanceof SseError) return this.#end({ ...resting, reason: 'request', error: place })
		// Also while there is no URL: those who wait hear of the end.
		signal?.addEventListener('abort', this.#aborted)
		if (place === undefined) return this.#stand(resting)
		const options = this.#start.link(place)
		const resumes = this.#config.urlChange === 'resume'
		// The link that it has been on last, if that is of this URL.
		const own = this.#link?.url === place ? this.#link : undefined
		const make = (): Link => own ?? new Link(options, this.#link, resumes)
		const link = acquire(share ? shareKey(options, key) : undefined, make)
		const isUp = link.isLive
		const { received = this.#standing.lastEventId.plain } = this.#decoding
		const hasMissed = link.join(this, received)
		this.#link = link
		const { messages } = this.#callbacks
		const stopMessages =
			messages.size > 0
				? link.slots.all.add((message) => publish(messages, tell, message, link.lastEventId))
				: undefined
		const membership: Membership = {
			leave: () => {
				stopMessages?.()
				link.leave(this)
			}
		}
		this.#membership = membership
		if (DEV && share && key === undefined) warnOfTwins(link, options, shareKey(options, ''))
		for (const holder of this.#holders) this.#wire(holder)
		// Whoever hears of one of these may close the connection, and connect again, here or to another URL.
		const isStill = (): boolean => this.#membership === membership
		if (isUp) {
			this.#stand(link.standing, true)
			// Before anything says that the handle has come as far as the link.
			if (hasMissed && isStill()) this.gap()
			if (isStill()) this.parsed()
		}
		membership.isCurrent = true
		if (isStill()) this.#each((receiver) => receiver.again())
		if (isStill()) start(link)
	}

	#wire(holder: Holder): void {
		const { receiver, name } = holder
		if (!receiver) return
		holder.holds = true
		const decoding = this.#decoding
		const isWanted = (): boolean => this.#holders.has(holder)
		holder.stop = this.#link!.slots.add(name!, (message) =>
			decoding.event(name!, message, receiver, isWanted)
		)
	}

	readonly #aborted = (): void => this.#depart('aborted')

	#off(): void {
		this.#config.signal?.removeEventListener('abort', this.#aborted)
		if (!this.#membership) return
		if (!this.#membership.ending) this.#quit()
		this.#membership = undefined
		sweep()
	}

	/** Takes part in the link no more. */
	#quit(): void {
		if (this.#membership!.isCurrent) {
			this.parsed()
			this.#decoding.keep(this.#link!.lastEventId)
		}
		for (const holder of this.#holders) holder.stop?.()
		this.#membership!.leave()
	}

	#stand(transition: Ending, isJoining = false): void {
		const before = this.#standing.now
		this.#standing.set(transition)
		this.#callbacks.hear(before, transition, isJoining)
	}

	/** The connection is closed, for all who held it. */
	#end(transition: Transition): void {
		const pins = [...this.#holders].flatMap(({ pin }) => pin ?? [])
		this.#stand({ ...transition, status: 'closed', pins })
		// A callback may have connected again.
		if (this.#isOn) return
		for (const holder of [...this.#holders]) {
			const { pin } = holder
			if (!pin) {
				holder.holds = false
				continue
			}
			this.#holders.delete(holder)
			pin.endUnheld()
		}
		this.#decoding.inOrder(() => {
			if (!this.#isOn) this.#each((receiver) => receiver.ended(transition.error))
		})
	}

	#each(tell: (receiver: Receiver<unknown>) => void): void {
		for (const { receiver } of [...this.#holders]) if (receiver) tell(receiver)
	}
}

function tell(callbacks: Callbacks, message: Message, lastEventId: string | undefined): void {
	callbacks.message(message, lastEventId)
}

function noClient(): SseError {
	return new SseError(
		'closed',
		DEV
			? 'source() opens nothing on a server; wait in onMount, or use read() of sveltekit-sse/read'
			: 'closed'
	)
}
