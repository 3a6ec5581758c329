import { isDeepStrictEqual } from 'node:util'
import type { SseChannel } from '../../../../src/lib/channel.svelte.js'
import type { SseConnection } from '../../../../src/lib/connection.svelte.js'
import type { Status } from '../../../../src/lib/link/types.js'
import type { SourceEvent, SourceOptions } from '../../../../src/lib/source/options.js'
import { source } from '../../../../src/lib/source/source.js'
import { Holder, type Kind } from './holder.js'
import type { Line } from './line.js'
import { nameOf } from './network.js'
import type { World } from './world.js'

export interface HandleOptions extends SourceOptions {
	/** Connects again when it hears that the connection was lost or has ended: by `event.connect()`, or by its own. */
	stubborn?: 'event' | 'connection'
	/** Whether another URL is another stream. */
	resets?: boolean
}

/** What its readers of one channel have: the connection, for as long as one of them stays, and a little longer. */
interface Lease {
	holders: number
	/** Whether it wants the connection; it does not any more, once that was closed. */
	isActive: boolean
	/** When the last of them left. */
	leftAt?: number | undefined
}

/** One handle, what its user has done with it, and so what is to be expected of it. */
export class Handle {
	readonly name: string
	readonly connection: SseConnection
	readonly linger: number
	readonly holders = new Set<Holder>()
	/** Numbers of the events that it must have heard. */
	readonly heard: number[] = []
	/** The id of the last of them. */
	cursor: number | undefined
	/** Whether it closes the connection as soon as it hears of an event. */
	closesAtNext = false
	/** The line that it is on. */
	line: Line | undefined
	readonly #world: World
	readonly #options: HandleOptions
	readonly #url: () => Line | undefined
	/** What the callbacks were called with, and what they must have been. */
	readonly #log: (string | number)[] = []
	readonly #expected: (string | number)[] = []
	#status: Status = 'idle'
	/** The line of its URL, when somebody last wanted it; undefined: not yet. */
	#place: Line | undefined
	#lastPlace: Line | undefined
	readonly #leases = new Map<string, Lease>()
	#pins = 0
	#failures = { heard: 0, least: 0, most: 0 }
	/** Have got their event, and go when they have had the chance to ask for another. */
	readonly #finished = new Set<Holder>()
	/** The event at which it closes the connection. */
	#closesAt: number | undefined
	#hasGap = false
	readonly #derived = new Map<string, SseChannel<string, string | null>>()
	readonly #abort = new AbortController()
	#lastClose: SourceEvent | undefined
	/** What `connect()` held it with when it ended, and nobody has released since. */
	readonly #ended = new Set<string>()
	/** The line that it was on before, for another URL. */
	#former: Line | undefined
	/** Whether it was closed, and neither by its user nor for good. */
	#isEnded = false
	/** Whether its callbacks have heard of the outage that lasts. */
	#isTold = false

	/**
	 * @param from the line of its URL; a function reads a variable
	 */
	constructor(
		world: World,
		name: string,
		from: Line | (() => Line | undefined),
		options: HandleOptions = {}
	) {
		this.#world = world
		this.name = name
		this.#options = options
		this.linger = options.linger ?? world.linger
		this.#url = typeof from === 'function' ? from : () => from
		if (typeof from !== 'function') this.#place = this.#lastPlace = from
		const url = (line: Line | undefined) => line && `/${line.path}`
		this.connection = source(typeof from === 'function' ? () => url(from()) : url(from)!, {
			fetch: world.fetch,
			signal: this.#abort.signal,
			linger: this.linger,
			...options,
			open: () => this.#log.push('open'),
			close: (event) => this.#closed(event),
			error: () => this.#failures.heard++,
			message: ({ data }) => {
				this.#log.push(+data)
				if (+data === this.#closesAt) this.connection.close()
			},
			gap: () => this.#log.push('gap')
		})
	}

	readonly claim = (isTrue: boolean, text: string): void =>
		this.#world.claim(isTrue, `${this.name}: ${text}`)

	get isStubborn(): boolean {
		return this.#options.stubborn !== undefined
	}

	get isAborted(): boolean {
		return this.#abort.signal.aborted
	}

	get #isHeld(): boolean {
		return [...this.#leases.values()].some(({ isActive }) => isActive)
	}

	get isOn(): boolean {
		return this.line !== undefined
	}

	/** Whether its URL is what it was when somebody last wanted it. */
	get isInPlace(): boolean {
		return this.#place !== undefined && this.#url() === this.#place
	}

	/** Whether it is held by what only `close()` ends. */
	get isPinned(): boolean {
		return [...this.#leases.keys()].some((key) => key.startsWith('connect'))
	}

	get isAwaitingNext(): boolean {
		return [...this.holders].some(({ kind }) => kind === 'next')
	}

	/** How many timers of its leases may be set. */
	get lingering(): number {
		return [...this.#leases.values()].filter(({ leftAt }) => leftAt !== undefined).length
	}

	derived(name: string): SseChannel<string, string | null> {
		const known = this.#derived.get(name)
		const channel = known ?? this.connection.select(name).transform((data) => data)
		this.#derived.set(name, channel)
		return channel
	}

	// What its user does.

	hold(kind: Kind, name: string): void {
		this.#world.letGo()
		const key =
			kind === 'connect' ? `connect ${++this.#pins}` : kind === 'derived' ? `${name}'` : name
		this.#come(key)
		if (kind === 'connect') this.line?.connect()
		const holder = new Holder(this, kind, name, key)
		if (this.isAborted && holder.isAwaiting) this.#go(key)
		else this.holders.add(holder)
		holder.start()
	}

	release(holder: Holder): void {
		this.#world.letGo()
		this.holders.delete(holder)
		this.#go(holder.key)
		holder.stop()
	}

	/** Comes and goes in one moment. */
	touch(kind: 'connect' | 'on', name: string): void {
		this.#world.letGo()
		const key = kind === 'connect' ? `connect ${++this.#pins}` : name
		const isNew = !this.#leases.has(key)
		this.#come(key)
		if (kind === 'connect') this.line?.connect()
		const stop =
			kind === 'connect' ? this.connection.connect() : this.connection.select(name).on(() => {})
		if (this.connection.status !== this.#status && !this.isAborted)
			this.stand(this.connection.status)
		this.#go(key, isNew ? 0 : this.linger)
		stop()
	}

	close(): void {
		this.#world.letGo()
		this.#leave('closed')
		this.connection.close()
	}

	abort(): void {
		if (this.isAborted) return
		this.#world.letGo()
		if (this.line || this.#isHeld) this.fail()
		this.#leave('closed')
		this.#abort.abort()
	}

	/** `connect()` of the event that it heard when it was closed. */
	connectLate(): void {
		this.#world.letGo()
		const event = this.#lastClose
		if (!event) return
		if (event.reason !== 'unused' && !this.line) {
			if (this.#ended.size > 0 && !this.#isHeld) this.#follow()
			for (const key of this.#ended) this.#take(key)
			if (this.#leases.size > 0 && !this.line) this.#comeBack()
		}
		event.connect()
	}

	/** Those who rest want it again. */
	#comeBack(): void {
		this.#failures.most++
		if (this.isAborted) {
			this.stand('closed')
			return this.end()
		}
		if (this.#place) this.#join(this.#place)
		else this.stand('idle')
	}

	// What follows.

	/** Those that have got their event go. */
	dismiss(): void {
		for (const holder of this.#finished)
			if (!holder.hasLeft) {
				holder.hasLeft = true
				this.#go(holder.key)
			}
	}

	/** It is so late: channels that have lingered let go. */
	letGo(now: number): void {
		for (const [key, { leftAt }] of this.#leases)
			if (leftAt !== undefined && now >= leftAt + this.linger) this.#drop(key)
	}

	/** The connection goes to another step: the callbacks hear of an opening, once of an outage, and once of an end. */
	stand(status: Status, isLocal = false, hasFailed = false): void {
		const before = this.#status
		this.#status = status
		this.#isEnded = status === 'closed' && !isLocal && !this.isAborted
		if (status !== 'closed') this.#ended.clear()
		const wasGood = before === 'connecting' || before === 'open'
		if (before === 'idle' || before === 'closed' || status === 'open') this.#isTold = false
		const isNews = wasGood || (hasFailed && !this.#isTold)
		if (status === 'open') this.#expected.push('open')
		else if (status === 'closed' && before !== 'closed') this.#expected.push('closed')
		else if (status === 'idle' && wasGood) this.#expected.push('left')
		else if (status === 'reconnecting' && isNews) {
			this.#isTold = true
			this.#expected.push('lost')
		} else return
		if (isLocal || status === 'open' || status === 'idle') return
		if (this.#options.stubborn === 'connection') this.#pin()
	}

	fail(): void {
		this.#failures.least++
		this.#failures.most++
	}

	gap(): void {
		this.#hasGap = true
		this.#expected.push('gap')
	}

	hear(number: number): void {
		const isNext = this.#hasGap || this.cursor === undefined || number === this.cursor + 1
		this.claim(isNext, `event ${number} follows ${this.cursor}, and no gap was told`)
		this.#hasGap = false
		this.#expected.push(number)
		this.heard.push(number)
		if (this.line!.stream.hasIds) this.cursor = number
		for (const holder of this.holders)
			if (holder.kind === 'next' && holder.name === nameOf(number)) {
				this.holders.delete(holder)
				this.#finished.add(holder)
			}
		if (!this.closesAtNext) return
		this.#closesAt = number
		this.#leave('closed')
	}

	/** The connection is closed: readers rest, all other holds are gone. */
	end(): void {
		this.line = undefined
		this.closesAtNext = false
		for (const holder of [...this.holders, ...this.#finished])
			if (holder.isAwaiting && !holder.hasLeft) {
				holder.hasLeft = true
				this.holders.delete(holder)
				this.#leases.get(holder.key)!.holders--
			}
		if (this.#status === 'closed') this.#ended.clear()
		for (const [key, lease] of this.#leases) {
			lease.isActive = false
			const isPin = key.startsWith('connect')
			if (isPin && lease.holders > 0) this.#ended.add(key)
			if (lease.holders === 0 || isPin) this.#leases.delete(key)
		}
	}

	check(): void {
		const { connection, isAborted, claim } = this
		const status = isAborted ? 'closed' : this.#status
		claim(connection.status === status, `the status is ${connection.status}, not ${status}`)
		const id = this.cursor === undefined ? undefined : `${this.cursor}`
		claim(connection.lastEventId === id, `the last id is ${connection.lastEventId}, not ${id}`)
		claim(
			isDeepStrictEqual(this.#log, this.#expected),
			`the callbacks heard ${this.#log.join(' ')}, not ${this.#expected.join(' ')}`
		)
		const { heard, least, most } = this.#failures
		claim(heard >= least && heard <= most, `${heard} errors, not ${least} to ${most}`)
		if (!this.line) this.checkRetryAt(undefined)
		for (const holder of [...this.holders, ...this.#finished]) holder.check()
		this.#finished.clear()
	}

	checkRetryAt(expected: Date | undefined): void {
		const { retryAt } = this.connection
		this.claim(+(retryAt ?? 0) === +(expected ?? 0), `retryAt is ${retryAt}`)
	}

	/** A holder comes, and with it all that rested. */
	#come(key: string): void {
		// It may hear of a failure that was there before.
		this.#failures.most++
		this.#follow()
		this.#take(key)
		if (this.isAborted) {
			this.stand('closed')
			return this.end()
		}
		if (this.line) return
		if (this.#place) this.#join(this.#place)
		else this.stand('idle')
	}

	#take(key: string): void {
		const lease = this.#leases.get(key) ?? { holders: 0, isActive: true }
		lease.holders++
		lease.isActive = true
		lease.leftAt = undefined
		this.#leases.set(key, lease)
	}

	/** The URL may be another. */
	#follow(): void {
		const place = this.#url()
		if (place === this.#place) return
		this.line?.leave(this)
		this.line = undefined
		const former = this.#lastPlace
		this.#place = place
		if (place && place !== this.#lastPlace) {
			if (this.#lastPlace && this.#options.resets) this.cursor = undefined
			this.#lastPlace = place
		}
		if (place !== former) this.#former = former
		// Another URL is another stream, for all who rest; also one that is yet to come.
		if (this.#isEnded) for (const lease of this.#leases.values()) lease.isActive = true
		if (!this.#isHeld) return
		if (place) this.#join(place)
		else this.stand('idle')
	}

	#join(line: Line): void {
		line.follows(this.#former)
		this.line = line
		for (const lease of this.#leases.values()) lease.isActive = true
		line.join(this)
	}

	/** A holder goes. A channel that others are made of goes with the last of them. */
	#go(key: string, linger = this.linger): void {
		this.#ended.delete(key)
		const lease = this.#leases.get(key)
		if (!lease) return this.#world.lingers(this.line ? linger : 0)
		if (--lease.holders > 0) return
		if (this.line && linger > 0 && !this.#leases.has(`${key}'`))
			lease.leftAt = this.#world.clock.now
		else this.#drop(key)
	}

	#drop(key: string): void {
		this.#leases.delete(key)
		if (this.#isHeld) return
		if (this.line) this.#leave('idle')
	}

	/** It leaves the line by itself. */
	#leave(status: 'closed' | 'idle'): void {
		if (status === 'closed' && !this.line && !this.#isHeld) return
		const { line } = this
		this.line = undefined
		// The answer to an end of one's own making does not count.
		this.stand(status, true)
		line?.leave(this)
		this.end()
	}

	/** As `connect()` in answer to a loss: it holds from now on, and must not make a storm. */
	#pin(): void {
		this.#take(`connect ${++this.#pins}`)
		this.line?.connect()
	}

	#closed(event: SourceEvent): void {
		const { willReconnect, isLocal, reason } = event
		this.#log.push(willReconnect ? 'lost' : reason === 'unused' ? 'left' : 'closed')
		this.#lastClose = event
		if (isLocal) return
		if (this.#options.stubborn === 'event') event.connect()
		if (this.#options.stubborn === 'connection') this.connection.connect()
	}
}
