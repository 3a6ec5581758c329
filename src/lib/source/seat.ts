import { DEV } from 'esm-env'
import { untrack } from 'svelte'
import type { Incoming, Opened, Receiver, Session } from '../channel/feed.js'
import { Lease } from '../channel/lease.js'
import { environment } from '../environment.js'
import { SseError } from '../errors.js'
import { warnOfTwins } from '../link/advice.js'
import { Link, type Member, type Transition } from '../link/link.js'
import { acquire, peek, shareKey, sweep } from '../link/pool.js'
import { enqueue } from '../parts/publish.js'
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
	/** Leaves the link; there while the handle is on it. */
	#leave: (() => void) | undefined

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
		const place = this.#from.read()
		untrack(() => this.#move(place))
	}

	get settled(): string | undefined {
		return this.#url
	}

	get era(): number {
		return this.#standing.era
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
			if (this.#refreshUnheld()) return
			holder.holds = true
			if (!this.#isOn) this.#attach((link) => link.want())
		}
		this.#holders.add(holder)
		if (!isQuiet) this.#offIfEnded()
		if (this.#isOn) this.#wire(holder)
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
		const release = this.#pin()
		this.#offIfEnded()
		if (this.#isOn) this.#link!.connect()
		else this.#attach((link) => link.connect())
		return release
	}

	/** Out of a callback: what waits goes on waiting. */
	reconnect({ reason }: Ending): void {
		if (reason === 'unused' || this.#isOn) return
		// The end has also ended what `connect()` held, and what nobody has released since.
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
		const leave = this.#leave
		this.#decoding.inOrder(() => {
			// Meanwhile the handle may have left.
			if (!leave || this.#leave !== leave) return
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
		return this.#leave !== undefined
	}

	/** The link of this URL, if it has been on one. */
	get #own(): Link | undefined {
		return this.#link?.url === this.#place ? this.#link : undefined
	}

	get #isHeld(): boolean {
		for (const { holds } of this.#holders) if (holds) return true
		return false
	}

	/** Whether there are readers, and a stream that was not closed by its user ended: another URL is another stream. */
	get #isEnded(): boolean {
		return this.#holders.size > 0 && this.isOver() && this.#standing.now.reason !== 'local'
	}

	/** Each such hold is one of its own, and `close()` ends them all. */
	#pin(): () => void {
		const pin: Lease = new Lease(this, () => {
			const holder: Holder = { holds: true, pin }
			const renew = (): void => {
				this.#refreshUnheld()
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
	#refreshUnheld(): boolean {
		return !this.#isHeld && this.#move(this.#from.refresh())
	}

	/** Leaves a link that has ended, if this handle is only about to be told. */
	#offIfEnded(): boolean {
		const hasEnded = this.#isOn && !this.#link!.isLive
		if (hasEnded) this.#off()
		return hasEnded
	}

	/** Before the first hold: a reader sees at once what others have received. */
	#nearby(): Link | undefined {
		const { share, key } = this.#config
		const place = this.#own ? undefined : this.#from.refresh()
		if (typeof place !== 'string' || !share || !environment.isClient) return undefined
		return peek(shareKey(this.#start.link(place), key))
	}

	/** @returns whether somebody holds it there */
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
			this.#from.rest()
		} else if (wasOn || this.#isHeld)
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
		const make = (): Link => this.#own ?? new Link(options, this.#link, resumes)
		const link = acquire(share ? shareKey(options, key) : undefined, make)
		const isUp = link.isLive
		const { received = this.#standing.lastEventId.plain } = this.#decoding
		const hasMissed = link.join(this, received)
		this.#link = link
		const stopMessages = this.#callbacks.hearMessages
			? link.slots.all.add((message) => {
					const { lastEventId } = link
					enqueue({ publish: () => this.#callbacks.message(message, lastEventId) })
				})
			: undefined
		const leave = (): void => {
			stopMessages?.()
			link.leave(this)
		}
		this.#leave = leave
		if (DEV && share && key === undefined) warnOfTwins(link, options, shareKey(options, ''))
		if (isUp) this.parsed()
		for (const holder of this.#holders) this.#wire(holder)
		this.#each((receiver) => receiver.again())
		// Whoever heard that may have closed the connection, and connected again, here or to another URL.
		const isStill = (): boolean => this.#leave === leave
		if (isUp && isStill()) this.#stand(link.standing, true)
		if (isStill()) start(link)
		if (isUp && hasMissed && isStill()) this.gap()
	}

	#wire(holder: Holder): void {
		const { receiver, name } = holder
		if (!receiver) return
		holder.holds = true
		const take = (data: unknown, message: Message): void => {
			// Meanwhile nobody may be listening any more.
			if (this.#holders.has(holder)) receiver.event(data, message)
		}
		holder.stop = this.#link!.slots.add(name!, (message) =>
			this.#decoding.event(name!, message, take)
		)
	}

	readonly #aborted = (): void => this.#depart('aborted')

	#off(): void {
		this.#config.signal?.removeEventListener('abort', this.#aborted)
		const leave = this.#leave
		if (!leave) return
		this.parsed()
		this.#decoding.keep(this.#link!.lastEventId)
		this.#leave = undefined
		for (const holder of this.#holders) holder.stop?.()
		leave()
		sweep()
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
			holder.holds = !!holder.pin
			if (!holder.pin) continue
			this.#holders.delete(holder)
			holder.pin.endUnheld()
		}
		this.#from.rest()
		this.#decoding.inOrder(() => {
			if (!this.#isOn) this.#each((receiver) => receiver.ended(transition.error))
		})
	}

	#each(tell: (receiver: Receiver<unknown>) => void): void {
		for (const { receiver } of [...this.#holders]) if (receiver) tell(receiver)
	}
}

function noClient(): SseError {
	return new SseError(
		'closed',
		DEV
			? 'source() opens nothing on a server; wait in onMount, or use read() of sveltekit-sse/read'
			: 'closed'
	)
}
