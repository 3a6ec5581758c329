import { DEV } from 'esm-env'
import { untrack } from 'svelte'
import { SseChannel } from './channel.svelte.js'
import type { Feed, Receiver } from './channel/feed.js'
import { plain } from './channel/operators.js'
import type { Contract, Name, Out, Untyped } from './contract/types.js'
import { environment } from './environment.js'
import { clock } from './clock.js'
import { SseError } from './errors.js'
import { Latest } from './latest.svelte.js'
import type { Link, Member, Transition } from './link/link.js'
import { acquire, shareKey } from './link/pool.js'
import { report } from './link/report.js'
import type { LinkOptions, Message, Reason, Status } from './link/types.js'
import { describeTransition } from './source-event.js'
import type { Callback, SourceEvent } from './source-options.js'

/** What `source()` makes of its options. */
export interface ConnectionConfig {
	/** Absolute; throws when it does not parse. */
	url: () => string
	/** The function that the URL comes from, if it can change. */
	scope: (() => unknown) | undefined
	link: Omit<LinkOptions, 'url'>
	share: boolean
	linger: number
	signal: AbortSignal | undefined
	initial: { [name: string]: unknown }
	on: Record<'open' | 'close' | 'error' | 'message', (Callback | undefined)[]>
	gap: (() => void) | undefined
}

/** What a channel is without a contract: text, empty before the first event. */
export type ChannelOf<S, K extends Name<S>> = string extends keyof S
	? SseChannel<string, string>
	: SseChannel<Out<S, K>, Out<S, K> | undefined>

const resting: Transition = { status: 'idle', reason: 'unused', attempt: 0 }

/**
 * One user's handle on a stream: its channels, and where the connection stands, as reactive state.
 *
 * The connection opens when the first channel is read and closes when the last reader has gone, after a short `linger`;
 * `connect()` holds it without a reader, `close()` ends it. Handles whose requests are equal share one physical
 * connection and do not notice one another.
 *
 * @example
 * ```svelte
 * <script>
 * 	import { source } from 'sveltekit-sse'
 * 	const connection = source('/orders')
 * 	const order = connection.select('order')
 * </script>
 *
 * {order.current}
 * {#if connection.status === 'reconnecting'}connection lost, one moment…{/if}
 * ```
 */
export class SseConnection<S = Untyped> implements Disposable {
	readonly #standing = new Latest(resting)
	readonly #lastEventId: Latest<string | undefined>
	readonly #lastEventAt = new Latest<number | undefined>(undefined)
	readonly #config: ConnectionConfig
	/** Makes values of text, if there is a contract. */
	readonly #read: ReturnType<Contract<S>['reader']> | undefined
	readonly #channels = new Map<string, SseChannel<unknown, unknown>>()
	/** The channels that are fed, and what takes each off the link it is on. */
	readonly #feeding = new Map<Receiver<string>, Feeding>()
	/** The link it is on, or was on last. */
	#link: Link | undefined
	#isJoined = false
	/** Held open by `connect()`. */
	#isPinned = false
	#url: string | undefined
	/** Counts the URLs: what channels show belongs to one of them. */
	#generation = 0
	/** The reason that a callback is being told of. */
	#telling: Reason | undefined
	#stopFollowing: (() => void) | undefined
	#stopMessages: (() => void) | undefined
	/** One error however often it is met, so that it is told once. */
	#abortion: SseError | undefined

	/** @internal Use {@link source}. */
	constructor(config: ConnectionConfig) {
		this.#config = config
		this.#read = config.link.events?.reader()
		this.#lastEventId = new Latest(config.link.lastEventId)
	}

	/**
	 * Where the connection stands. Reading it does not open it.
	 *
	 * `idle` nobody reads · `connecting` · `open` · `reconnecting` lost, the next attempt is at `retryAt` · `closed`
	 */
	get status(): Status {
		return this.#standing.value.status
	}

	/** Why the connection was lost or could not be made; gone once it is open. */
	get error(): SseError | undefined {
		return this.#standing.value.error
	}

	/** Losses in a row; 0 while all is well. */
	get attempt(): number {
		return this.#standing.value.attempt
	}

	/** When the next attempt is due, while reconnecting. */
	get retryAt(): Date | undefined {
		return this.#standing.value.retryAt
	}

	/** The id that the next attempt resumes from. */
	get lastEventId(): string | undefined {
		return this.#lastEventId.value
	}

	/** When the last event came. */
	get lastEventAt(): Date | undefined {
		const at = this.#lastEventAt.value
		return at === undefined ? undefined : new Date(at)
	}

	/**
	 * The channel of one event name; asking again gives the same one.
	 *
	 * @param name `'message'` has the events without a name too; `''` has those alone.
	 * @throws {SseError} `invalid-argument` for a name that could never arrive.
	 */
	select<K extends keyof S & string>(name: K): ChannelOf<S, K> {
		let channel = this.#channels.get(name)
		if (!channel) {
			const { initial, link } = this.#config
			const { events } = link
			if (typeof name !== 'string' || /[\r\n\0]/.test(name) || events?.has(name) === false)
				throw new SseError(
					'invalid-argument',
					DEV
						? `no event can be named ${JSON.stringify(name)}` +
								(events ? '; look at defineEvents()' : '')
						: name
				)
			const feed = this.#feed(name)
			const value = Object.hasOwn(initial, name) ? initial[name] : undefined
			channel = new SseChannel<unknown, unknown>(
				(this.#read?.(name, feed) ?? feed) as Feed,
				plain(value === undefined && !events ? '' : value)
			)
			this.#channels.set(name, channel)
		}
		return channel as unknown as ChannelOf<S, K>
	}

	/** Opens the connection and holds it until `close()`, with or without a reader; while it is lost, tries again now. */
	connect(): void {
		if (this.#telling) return this.#connectAgain(this.#telling)
		this.#isPinned = true
		if (this.#isJoined) this.#link!.connect()
		else this.#attach((link) => link.connect())
	}

	/** Closes the connection, for this handle only. A new first reader, or `connect()`, opens it again. */
	close(): void {
		this.#depart('local')
	}

	/** As `close()`, for `using`. */
	[Symbol.dispose](): void {
		this.close()
	}

	/** As `connect()`, out of a callback: only for those who still read, and never as a storm. */
	#connectAgain(reason: Reason): void {
		if (reason === 'unused') return
		if (this.#feeding.size === 0) this.#isPinned = true
		if (this.#isJoined) this.#link!.connectAgain()
		else this.#attach((link) => (reason === 'local' ? link.connect() : link.connectAgain()))
	}

	#feed(name: string): Feed<string> {
		return {
			open: (receiver) => this.#hold(name, receiver),
			last: () => {
				const message = this.#isJoined && this.#link!.slots.of(name).last
				return message ? { data: message.data, message } : undefined
			},
			over: () => this.#over(),
			later: (run) => this.#later(run),
			generation: () => this.#generation,
			failed: (error) => this.#call('error', { ...this.#standing.plain, error })
		}
	}

	#over(): { error: SseError | undefined } | undefined {
		if (this.#isJoined) return undefined
		if (environment.isClient) return { error: this.#standing.plain.error }
		return {
			error: new SseError(
				'closed',
				DEV ? 'source() opens nothing on a server; wait in onMount' : 'closed'
			)
		}
	}

	#later(run: () => void): () => void {
		// A connection that has not answered yet is worth nothing to those who might come back.
		if (!this.#isJoined || this.#standing.plain.status === 'connecting' || !this.#config.linger) {
			run()
			return () => {}
		}
		const timer = clock.setTimeout(run, this.#config.linger)
		return () => clock.clearTimeout(timer)
	}

	#hold(name: string, receiver: Receiver<string>): () => void {
		const feeding: Feeding = { name, stop: undefined }
		this.#feeding.set(receiver, feeding)
		if (this.#isJoined) this.#wire(receiver, feeding)
		else if (this.#feeding.size === 1) this.#attach((link) => link.connect())
		return () => {
			feeding.stop?.()
			this.#feeding.delete(receiver)
			if (this.#feeding.size === 0 && !this.#isPinned) this.#depart('unused')
		}
	}

	#wire(receiver: Receiver<string>, feeding: Feeding): void {
		const slot = this.#link!.slots.of(feeding.name)
		feeding.stop = slot.add((message) => receiver.event(message.data, message))
	}

	/** Gets on the link of this URL, be it up already or not. */
	#attach(start: (link: Link) => void): void {
		const { link: settings, scope, share, signal, url } = this.#config
		if (!environment.isClient) return
		if (signal?.aborted) return this.#end('aborted')
		const options = { ...settings, url }
		let key: string | undefined
		try {
			untrack(() => {
				this.#settle(url())
				if (share) key = shareKey(options, scope)
			})
		} catch {
			// The attempt meets the same error, and shows it.
		}
		// Svelte makes no effect in the clean-up of another; that must not keep the connection from opening.
		if (scope) guard(() => this.#follow())
		const link = acquire(key, this.#link, options)
		const isUp = link.isLive
		const lastEventId = this.#lastEventId.plain
		// Others went on while this handle was away; what it had seen is not what the link has seen.
		const hasMissed = isUp && lastEventId !== undefined && link.lastEventId !== lastEventId
		if (!isUp) link.lastEventId = lastEventId
		this.#link = link
		this.#isJoined = true
		link.join(this.#member)
		this.#member.progress()
		signal?.addEventListener('abort', this.#aborted)
		for (const [receiver, feeding] of this.#feeding) this.#wire(receiver, feeding)
		if (this.#config.on.message.some(Boolean))
			this.#stopMessages = link.slots.all.add((message) => this.#tellMessage(message))
		untrack(() => {
			for (const receiver of this.#feeding.keys()) receiver.again?.()
		})
		// Whoever heard that may have closed the connection.
		if (isUp && this.#isJoined) this.#hear(link.standing)
		start(link)
		if (hasMissed) this.#gap()
	}

	/** Another URL is another stream: nothing of the old one holds for it. */
	#settle(url: string): void {
		if (this.#url !== undefined && this.#url !== url) {
			this.#link = undefined
			this.#lastEventId.set(undefined)
			this.#lastEventAt.set(undefined)
			this.#generation++
		}
		this.#url = url
	}

	/** While somebody reads: moves on to another link as soon as the function gives another URL. */
	#follow(): void {
		this.#stopFollowing ??= $effect.root(() => {
			// A function may give another URL at each call; it is state that says when to ask again.
			let isNew = true
			$effect.pre(() => {
				let url: string | undefined
				try {
					url = this.#config.url()
				} catch {
					// The attempt below meets the same error, and shows it.
				}
				untrack(() => {
					if (isNew || url === this.#url) return void (isNew = false)
					this.#leave()
					this.#attach((link) => link.connect())
				})
			})
		})
	}

	#unfollow(): void {
		this.#stopFollowing?.()
		this.#stopFollowing = undefined
	}

	#depart(reason: 'local' | 'unused' | 'aborted'): void {
		const response = this.#link?.standing.response
		this.#unfollow()
		if (!this.#isJoined) return
		this.#leave()
		this.#end(reason, response)
	}

	#end(reason: 'local' | 'unused' | 'aborted', response?: Response): void {
		const status = reason === 'unused' ? 'idle' : 'closed'
		let error: SseError | undefined
		if (reason === 'aborted')
			error = this.#abortion ??= new SseError(
				'aborted',
				DEV ? 'The signal was aborted.' : 'aborted',
				{
					cause: this.#config.signal!.reason
				}
			)
		this.#hear({ ...resting, status, reason, error, response })
	}

	#leave(): void {
		if (!this.#isJoined) return
		this.#member.progress()
		this.#isJoined = false
		for (const feeding of this.#feeding.values()) feeding.stop?.()
		this.#stopMessages?.()
		this.#config.signal?.removeEventListener('abort', this.#aborted)
		this.#link!.leave(this.#member)
	}

	readonly #aborted = (): void => this.#depart('aborted')

	readonly #member: Member = {
		transition: (transition) => {
			if (!this.#isJoined) return
			if (transition.status === 'closed') this.#leave()
			this.#hear(transition)
		},
		gap: () => this.#gap(),
		progress: () => {
			const { lastEventId, lastEventAt } = this.#link!
			this.#lastEventId.set(lastEventId)
			this.#lastEventAt.set(lastEventAt)
		}
	}

	/** Shows where the connection stands now, and tells the callbacks. */
	#hear(next: Transition): void {
		const { status: before, error } = this.#standing.plain
		this.#standing.set(next)
		const wasUp = before === 'connecting' || before === 'open'
		const isUp = next.status === 'connecting' || next.status === 'open'
		const isClosed = next.status === 'closed'
		const hasFailed = next.error && next.error !== error
		if (hasFailed) this.#call('error', next)
		// A callback may have gone on from here.
		if (this.#standing.plain !== next) return
		if (next.status === 'open') this.#call('open', next)
		else if (!isUp && (wasUp || hasFailed || (isClosed && before !== 'closed')))
			this.#call('close', next)
		// A callback may have connected anew.
		if (this.#isJoined) return
		this.#isPinned = false
		if (isClosed) for (const receiver of this.#feeding.keys()) receiver.ended?.(next.error)
		if (this.#feeding.size === 0) this.#unfollow()
	}

	#tellMessage({ name: given, data }: Message): void {
		const name = given || 'message'
		const id = this.#link!.lastEventId ?? ''
		this.#call('message', this.#standing.plain, { name, event: name, data, id })
	}

	#call(
		name: 'open' | 'close' | 'error' | 'message',
		transition: Transition,
		message?: Pick<SourceEvent, 'name' | 'event' | 'data' | 'id'>
	): void {
		const { reason } = transition
		const event: SourceEvent = {
			...describeTransition(name, transition),
			id: this.#lastEventId.plain ?? '',
			...message,
			connect: () => this.#connectAgain(reason),
			close: () => this.close()
		}
		const before = this.#telling
		this.#telling = reason
		for (const callback of this.#config.on[name]) guard(() => callback?.(event))
		this.#telling = before
	}

	#gap(): void {
		guard(() => this.#config.gap?.())
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

interface Feeding {
	name: string
	/** Takes the channel off the link; there while it is on one. */
	stop: (() => void) | undefined
}
