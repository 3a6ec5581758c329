import { checkContract, internalsOf } from '../contract/internals.js'
import type { In, Untyped } from '../contract/types.js'
import type { Write } from '../contract/writer.js'
import { isDevServer } from '../dev-server.js'
import { SseError, toError, type CloseReason } from '../errors.js'
import { serialize } from '../produce/emitter.js'
import { checkEventName, invalid } from '../parts/check.js'
import { checkOptions } from '../produce/options.js'
import { Producer } from '../produce/producer.js'
import type { ProduceOptions, Unsafe } from '../produce/types.js'
import { closeReasons, isCloseReason } from '../wire/control.js'
import type { Cursor } from './broker.js'
import { HubCore } from './core.js'
import { decodeEvent } from './decode-event.js'
import type { Frame } from './frame.js'
import { Home } from './home.js'
import { join } from './join.js'
import { keep } from './keep.js'
import { checkMember } from './presence.js'
import { StreamReceiver } from './streaming.js'
import { Subscription } from './subscription.js'
import type {
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
	/** Bytes that may wait for one client: fewer than elsewhere, since it can come back and resume. */
	maxBuffer: 1024 * 1024
}

/** Events that `last` may ask for. */
const mostLast = 10_000

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
	/** Makes text of values, if there is a contract; in the order of the calls. */
	readonly #write: Write | undefined

	/** @param options see {@link HubOptions} */
	constructor(options: HubOptions<S> = {}) {
		const { broker, events } = options
		checkContract(events)
		if (broker && typeof broker.append !== 'function')
			throw invalid('`broker`', 'what redis(client) and its like return', broker)
		this.#options = options
		this.#write = internalsOf(events)?.writer()
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
	 * @returns the event's cursor, once the broker has stored it, or the error; it never rejects.
	 */
	async publish<K extends keyof S & string>(
		topic: string,
		name: K,
		data: In<S, K>,
		options: PublishOptions = {}
	): Promise<Unsafe<Cursor>> {
		try {
			const core = this.#here
			checkTopic(topic)
			checkEventName(name)
			// Awaited in any case: a schema that is asynchronous for some values must not change the order.
			const text = this.#write ? await this.#write(name, data) : serialize(name, data)
			const { except, wait, client } = options
			const entry = { topic, name, data: text, ...(except !== undefined && { except }) }
			const [cursor = ''] = await core.broker.append([entry], { wait, client })
			return { value: cursor, error: false }
		} catch (thrown) {
			return { value: '', error: toError(thrown) }
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
		if (member) checkMember(member, set)
		const leaving: (() => void)[] = []
		const events = options.events ?? this.#options.events
		const from = decodeId(request)
		const producer: Producer<S> = new Producer(
			{ ...options, events },
			{
				...defaults,
				// Where that is not possible, a gap frame follows.
				resumed: from !== undefined,
				heartbeat: () => receiver.heartbeat(core.recent.head),
				ended: () => leaving.splice(0).forEach((leave) => leave())
			}
		)
		const receiver = new StreamReceiver(producer.stream, set, member?.id)
		core.start()
		const response = producer.run(options.start ?? (() => {}))
		if (core.isClosed) producer.stream.end('restart')
		if (receiver.isOver) return response
		// What is joined may itself end the stream, such as by a frame that finds the buffer full.
		const untilEnd = (leave: () => void): unknown =>
			receiver.isOver ? leave() : leaving.push(leave)
		untilEnd(core.count(receiver))
		join(core, receiver, from, () => greet(core, set, last)).then((leave) => {
			untilEnd(leave)
			if (presence && !receiver.isOver) untilEnd(core.watch(receiver))
			if (!member || receiver.isOver) return
			for (const topic of set) untilEnd(core.presence.join(topic, member))
		}, core.report)
		return response
	}

	/**
	 * Every event of the topics, for server code; leave the loop to end it.
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
	 * `parse` or `validation` when an event is not what the contract says.
	 */
	subscribe(topics: string | string[], options: SubscribeOptions = {}): AsyncIterable<HubEvent<S>> {
		const set = this.#topics(topics)
		const { events } = this.#options
		return {
			[Symbol.asyncIterator]: () =>
				this.#iterate(set, options, (entry) => decodeEvent(events, entry))
		}
	}

	/**
	 * Where the log stands now. Return it from `load` beside the data: a `source()` that starts with it as `lastEventId`
	 * misses nothing in between.
	 *
	 * @throws whatever keeps the broker from answering.
	 */
	async cursor(): Promise<Cursor> {
		return this.#here.broker.head()
	}

	/** Who is on a topic, over all machines. */
	async presence(topic: string): Promise<Member[]> {
		const core = this.#here
		core.start()
		await core.ready
		return core.presence.members(topic)
	}

	/** How many streams are open in this process, on a topic or on all. */
	connections(topic?: string): number {
		return this.#core.connections(topic)
	}

	/**
	 * Ends all streams of a topic, on every machine.
	 *
	 * @param reason what the clients are told. Default `done`: they stay away. `denied` shows them an error, `expired` makes
	 * them come back with fresh headers.
	 * @throws whatever keeps the broker from storing it; then no stream has ended.
	 */
	async disconnect(topic: string, reason: CloseReason = 'done'): Promise<void> {
		checkTopic(topic)
		if (!isCloseReason(reason))
			throw invalid('`reason`', `one of ${closeReasons.join(', ')}`, reason)
		const core = this.#here
		core.start()
		await core.broker.append([{ topic, name: 'disconnect', data: reason, control: true }])
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

	#iterate<T>(
		topics: Set<string>,
		{ after, signal, gap }: SubscribeOptions,
		map: (entry: Parameters<typeof decodeEvent>[1]) => Promise<T>
	): AsyncIterator<T> {
		const core = this.#here
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
		join(core, subscription, after, () => []).then((left) => {
			if (subscription.isOver) left()
			else leave = left
		}, core.report)
		return {
			async next() {
				const { value, done } = await subscription.next()
				if (done) return { value: undefined, done }
				try {
					return { value: await map(value), done: false }
				} catch (thrown) {
					// A loop that is thrown out of does not return the iterator.
					await subscription.return()
					throw thrown
				}
			},
			async return() {
				await subscription.return()
				return { value: undefined, done: true }
			}
		}
	}
}

/** What a client is shown that does not resume. */
function greet({ recent }: HubCore, topics: Set<string>, last: boolean | number): Frame[] {
	const frames =
		last === true
			? [...topics].map((topic) => recent.latest(topic)).filter((frame) => !!frame)
			: recent.last(Math.min(+last || 0, mostLast), ({ entry }) => topics.has(entry.topic))
	frames.sort((one, other) => one.entry.at - other.entry.at)
	return frames.map(({ bare }) => bare)
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
