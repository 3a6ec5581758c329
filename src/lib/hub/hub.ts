import { checkContract } from '../contract/internals.js'
import type { In, Untyped } from '../contract/types.js'
import { isDevServer } from '../dev-server.js'
import { SseError, toError, type CloseReason } from '../errors.js'
import { checkEventName, checkNumber, invalid } from '../parts/check.js'
import { checkOptions } from '../produce/options.js'
import { Producer } from '../produce/producer.js'
import type { ProduceOptions, Unsafe } from '../produce/types.js'
import { closeReasons, isCloseReason } from '../wire/control.js'
import type { Cursor } from './broker.js'
import { HubCore } from './core.js'
import { compareCursors } from './cursor.js'
import { decodeEvent } from './decode-event.js'
import type { Frame } from './frame.js'
import { Home } from './home.js'
import { join } from './join.js'
import { keep } from './keep.js'
import { checkMember } from './presence.js'
import { Publisher } from './publisher.js'
import { StreamReceiver } from './streaming.js'
import { Subscription } from './subscription.js'
import type {
	DisconnectOptions,
	HubEvent,
	HubOptions,
	Member,
	PublishOptions,
	StreamOptions,
	SubscribeOptions
} from './types.js'

/** What holds for the streams of a hub when the user does not say. */
const defaults = {
	/** Milliseconds: presence depends on it, and some proxies report a client that left only at the third heartbeat. */
	ping: 15_000,
	/** Bytes of one event. */
	maxEvent: 1024 * 1024
}

/** Bytes that may wait for one client: fewer than elsewhere, since it can come back and resume; yet each event fits. */
function defaultBuffer(maxEvent: number): number {
	// An id comes to it, and the place in the log.
	return Math.max(1024 * 1024, Number.isFinite(maxEvent) ? maxEvent + 1024 : 0)
}

/** Events that `last` may ask for. */
const maxLast = 10_000

/**
 * Publishes events to everyone who is on a topic, on every machine, and lets clients resume where they were.
 *
 * A topic is any string, such as `orders` or `user:42`; publishing to a person is publishing to a topic of theirs. Who may
 * read which topic is decided where `stream` is called.
 *
 * @example
 * ```ts
 * // src/lib/server/hub.ts
 * import { Hub } from 'sveltekit-sse/hub'
 * export const hub = new Hub()
 * ```
 *
 * @example
 * ```ts
 * // src/routes/orders/+server.ts
 * import { hub } from '../../lib/server/hub'
 * export const POST = ({ request }) => hub.stream('orders', { request })
 * ```
 *
 * @example
 * ```ts
 * // anywhere on the server, on any machine
 * const { error } = await hub.publish('orders', 'created', { id: 42 })
 * if (error) console.error('nobody will hear of it', error)
 * ```
 */
export class Hub<S = Untyped> {
	readonly #home = new Home()
	readonly #core: HubCore
	readonly #options: HubOptions<S>
	readonly #publisher: Publisher
	readonly #maxBuffer: number

	/** @param options see {@link HubOptions} */
	constructor(options: HubOptions<S> = {}) {
		const { broker, events } = options
		checkContract(events)
		if (broker && typeof broker.append !== 'function')
			throw invalid('`broker`', 'what redis(client) and its like return', broker)
		const { maxEvent = defaults.maxEvent, maxReplay, maxTopics, presence } = options
		checkNumber('maxEvent', maxEvent, 1)
		checkNumber('maxReplay', maxReplay, 0)
		checkNumber('maxTopics', maxTopics, 1)
		checkNumber('presence.grace', presence?.grace, 0)
		checkNumber('presence.timeout', presence?.timeout, 1)
		this.#options = options
		this.#publisher = new Publisher(events, maxEvent)
		this.#maxBuffer = defaultBuffer(maxEvent)
		const create = (): HubCore => new HubCore(options)
		this.#core = isDevServer ? keep(options.name, create, options.broker) : create()
	}

	/** What the hub is made of, for a request that may use it. */
	get #here(): HubCore {
		this.#home.check()
		return this.#core
	}

	/** Where the broker stands, for a health check. */
	get health() {
		return this.#core.broker.health
	}

	/**
	 * Sends an event to all who are on a topic.
	 *
	 * @returns the event's cursor, once the broker has stored it, or the error: `timeout` or `network` when the broker is
	 * away (the event may have been stored all the same), `overflow` when too much waits for it already, `too-large`,
	 * `validation`. It never rejects, and settles within `wait` and the broker's `timeout`; a schema has 5 s more.
	 */
	async publish<K extends keyof S & string>(
		topic: string,
		name: K,
		data: In<S, K>,
		options: PublishOptions = {}
	): Promise<Unsafe<Cursor, SseError>> {
		try {
			const core = this.#here
			checkTopic(topic)
			checkEventName(name)
			const { except, wait, client } = options
			if (except !== undefined && typeof except !== 'string')
				throw invalid('`except`', "the sender's `member.id`", except)
			checkNumber('wait', wait, 0)
			const [cursor = ''] = await this.#publisher.publish(topic, name, data, (text) => {
				const entry = { topic, name, data: text, ...(except !== undefined && { except }) }
				return core.broker.append([entry], { wait, client })
			})
			return { value: cursor, error: false }
		} catch (thrown) {
			return { value: '', error: asSseError(thrown) }
		}
	}

	/**
	 * Makes the response of one client: the events of the topics, from where it was or from now on.
	 *
	 * A cursor that the request carries says only where to begin; which topics are read is decided here.
	 *
	 * @throws {SseError} `invalid-argument` when a topic or an option is not what it should be.
	 */
	stream(topics: string | string[], options: StreamOptions<S>): Response {
		const core = this.#here
		const set = this.#topics(topics)
		checkOptions(options as ProduceOptions<never>)
		const { request, last = false, member, presence = member !== undefined } = options
		if (!request) throw invalid('`request`', "the handler's Request", request)
		const own = member && checkMember(member, set)
		const leaving: (() => void)[] = []
		const events = options.events ?? this.#options.events
		const from = decodeId(request)
		const producer: Producer<S> = new Producer(
			{ ...options, events },
			{
				ping: defaults.ping,
				maxBuffer: this.#maxBuffer,
				// The topics go on.
				staysOpen: true,
				// Where that is not possible, a gap frame follows.
				resumed: from !== undefined,
				heartbeat: () => receiver.heartbeat(core.recent.head),
				ended: () => leaving.splice(0).forEach((leave) => leave())
			}
		)
		const receiver = new StreamReceiver(producer.stream, set, own?.id)
		core.start()
		const response = producer.run(options.start ?? (() => {}))
		if (core.isClosed) producer.stream.end('restart')
		if (receiver.isOver) return response
		// What is joined may itself end the stream, such as by a frame that finds the buffer full.
		const untilEnd = (leave: () => void): unknown =>
			receiver.isOver ? leave() : leaving.push(leave)
		untilEnd(core.count(receiver))
		join(core, receiver, from, (at) => greet(core, set, last, at))
			.then((leave) => {
				untilEnd(leave)
				if (presence && !receiver.isOver) untilEnd(core.watch(receiver))
				if (!own || receiver.isOver) return
				for (const topic of set) untilEnd(core.presence.join(topic, own))
			})
			.catch((thrown: unknown) => {
				core.report(thrown)
				receiver.end('error')
			})
		return response
	}

	/**
	 * Every event of the topics, for server code; leave the loop to end it. Events that the hub's contract does not have are
	 * left out.
	 *
	 * @example
	 * ```ts
	 * try {
	 * 	for await (const { name, data } of hub.subscribe('orders', { signal })) console.log(name, data)
	 * } catch (error) {
	 * 	// Events were missed, or could not be read. A loop that nobody waits for would end the process.
	 * 	console.error(error)
	 * }
	 * ```
	 *
	 * @throws {SseError} in the loop: `gap` when events were missed and no `gap` is given, `overflow` when it is too slow,
	 * `parse` or `validation` when an event is not what the contract says. The error of an event, and that of a gap, has the
	 * `cursor` behind which another loop goes on.
	 */
	subscribe(topics: string | string[], options: SubscribeOptions = {}): AsyncIterable<HubEvent<S>> {
		const set = this.#topics(topics)
		return { [Symbol.asyncIterator]: () => this.#iterate(set, options) }
	}

	/**
	 * Where the log stands now. Return it from `load` beside the data: a `source()` that starts with it as `lastEventId`
	 * misses nothing in between.
	 *
	 * @throws {SseError} `timeout` or `network` while the broker is away, within its `timeout`; `closed`.
	 */
	async cursor(): Promise<Cursor> {
		try {
			return await this.#here.head()
		} catch (thrown) {
			throw asSseError(thrown)
		}
	}

	/**
	 * Who is on a topic, over all machines.
	 *
	 * @throws {SseError} `timeout` when the broker has not been reached yet, and is not within 10 s; `closed`.
	 */
	async presence(topic: string): Promise<Member[]> {
		checkTopic(topic)
		const core = this.#here
		core.start()
		await core.reached()
		if (core.isClosed) throw new SseError('closed', 'The hub is closed; make a new one.')
		return core.presence.members(topic)
	}

	/** How many streams are open in this process, on a topic or on all. */
	connections(topic?: string): number {
		return this.#core.connections(topic)
	}

	/**
	 * Ends all streams of a topic, on every machine, each behind everything that was published to the topic before.
	 *
	 * @param reason what the clients are told. `done`, the default: they stay away, and the topic is over. A stream of it that
	 * is opened later gets the past that it asks for and then `done`, until something is published to the topic again.
	 * `denied`: they stay away with an error; a stream that still gets the past is cut off at once. `expired`: they come
	 * back with fresh headers.
	 * @param options `wait` and `client`, as of `publish`.
	 * @returns the cursor of this end, or the error; then no stream has ended. It never rejects, and settles after at most
	 * `wait`, the broker's `timeout` and a second, and behind the schemas of events that were published to the topic before.
	 */
	async disconnect(
		topic: string,
		reason: CloseReason = 'done',
		options: DisconnectOptions = {}
	): Promise<Unsafe<Cursor, SseError>> {
		try {
			const core = this.#here
			checkTopic(topic)
			if (!isCloseReason(reason))
				throw invalid('`reason`', `one of ${closeReasons.join(', ')}`, reason)
			const { wait, client } = options
			checkNumber('wait', wait, 0)
			core.start()
			// A stream that has just been opened asks where the log ends: the answer must not be from behind this.
			const text = core.asked?.then(() => reason) ?? reason
			const [cursor = ''] = await this.#publisher.inTurn(topic, text, (data) => {
				const entry = { topic, name: 'disconnect', data, control: true }
				return core.broker.append([entry], { wait, client })
			})
			return { value: cursor, error: false }
		} catch (thrown) {
			return { value: '', error: asSseError(thrown) }
		}
	}

	/** Ends every stream with `restart`, every loop, and the broker. The client object that the broker was given stays open. */
	close(): Promise<void> {
		return this.#core.close()
	}

	#topics(topics: string | string[]): Set<string> {
		const { maxTopics = 100 } = this.#options
		const set = new Set(typeof topics === 'string' ? [topics] : topics)
		for (const topic of set) checkTopic(topic)
		if (set.size === 0 || set.size > maxTopics)
			throw new SseError(
				'invalid-argument',
				`Between 1 and ${maxTopics} topics can be read at once, received ${set.size}; see maxTopics.`
			)
		return set
	}

	#iterate(
		topics: Set<string>,
		{ after, signal, gap }: SubscribeOptions
	): AsyncIterator<HubEvent<S>> {
		const core = this.#here
		const { events } = this.#options
		core.start()
		let leave = (): void => {}
		const abort = (): void => subscription.end()
		const subscription: Subscription = new Subscription(topics, gap, () => {
			signal?.removeEventListener('abort', abort)
			forget()
			leave()
		})
		const forget = core.track(subscription)
		signal?.addEventListener('abort', abort)
		if (signal?.aborted || core.isClosed) abort()
		join(core, subscription, after, () => [])
			.then((left) => {
				if (subscription.isOver) left()
				else leave = left
			})
			.catch((thrown: unknown) => subscription.end(toError(thrown)))
		return {
			async next() {
				let next = await subscription.next()
				// Those of a newer version of the app are not for this one.
				while (!next.done && events && !events.has(next.value.name))
					next = await subscription.next()
				const { value, done } = next
				if (done) return { value: undefined, done }
				try {
					return { value: await decodeEvent(events, value), done: false }
				} catch (thrown) {
					// A loop that is thrown out of does not return the iterator.
					await subscription.return()
					throw unread(thrown, value.cursor)
				}
			},
			async return() {
				await subscription.return()
				return { value: undefined, done: true }
			}
		}
	}
}

/** What a client is shown that does not resume: of the past up to a place. */
function greet(
	{ recent }: HubCore,
	topics: Set<string>,
	last: boolean | number,
	at: Cursor
): Frame[] {
	const isPast = ({ entry }: Frame): boolean => (compareCursors(entry.cursor, at) ?? 0) <= 0
	const frames =
		last === true
			? [...topics].map((topic) => recent.latest(topic)).filter((frame) => !!frame)
			: recent.last(Math.min(+last || 0, maxLast), ({ entry }) => topics.has(entry.topic))
	// What came since is sent in its turn.
	const past = frames.filter(isPast).sort((one, other) => one.entry.at - other.entry.at)
	return past.map(({ bare }) => bare)
}

/** The error of an event that could not be read, and behind which the next loop may go on. */
function unread(thrown: unknown, cursor: Cursor): SseError {
	const { code, message, cause } = asSseError(thrown)
	return new SseError(code, message, { cause, cursor })
}

function asSseError(thrown: unknown): SseError {
	if (thrown instanceof SseError) return thrown
	const error = toError(thrown)
	return new SseError('failed', error.message, { cause: error })
}

function decodeId(request: Request): string | undefined {
	return request.headers.get('last-event-id') || undefined
}

// Half a character becomes U+FFFD on its way to an engine, where it would be another topic.
const halfCharacter = /\p{Surrogate}/u

function checkTopic(topic: unknown): void {
	if (typeof topic !== 'string' || topic === '' || topic.length > 512 || halfCharacter.test(topic))
		throw invalid('`topic`', 'a string of 1 to 512 characters, all of them whole', topic)
}
