import { SseError, toError } from '../errors.js'
import { encodeEvent } from '../wire/encode.js'
import { checkBounds, defaultHistory } from './bounds.js'
import type { Broker, Cursor, Gap, LogEntry, Tail } from './broker.js'
import { Delivery } from './delivery.js'
import { within } from '../parts/within.js'
import { Frame } from './frame.js'
import { Heads } from './heads.js'
import type { Joinable } from './join.js'
import { memory } from './memory.js'
import { Presence } from './presence.js'
import { Recent } from './recent.js'
import type { StreamReceiver } from './streaming.js'
import type { Subscription } from './subscription.js'
import type { HubOptions, Member, PresenceEvent } from './types.js'

/** Milliseconds that an end waits until the streams that are there know that it is meant for them. */
const endTimeoutMs = 1_000

/** Milliseconds in which the broker has to be reached for the first time when somebody asks for what it tells. */
const startTimeoutMs = 10_000

const defaults = { maxReplay: 10_000, bytes: 16 * 1024 * 1024, grace: 5_000, timeout: 15_000 }

export type CoreOptions = Pick<HubOptions, 'broker' | 'history' | 'maxReplay' | 'presence'>

/**
 * What a hub is made of in one process: one tail of the broker's log, the recent past, those who receive, and who is
 * present. In development it outlives the `Hub` object that a changed file makes anew.
 *
 * states   new ──first reader──▶ starting ──live──▶ following ──▶ closed
 */
export class HubCore implements Joinable {
	readonly broker: Broker
	readonly recent: Recent
	readonly delivery = new Delivery()
	readonly presence: Presence
	readonly maxReplay: number
	readonly ready: Promise<void>
	readonly #heads: Heads
	isClosed = false
	/** How often the log had a hole, behind which it may stand at a lower place. */
	losses = 0
	#isReady!: () => void
	#reached: Promise<void> | undefined
	#tail: Tail | undefined
	#waiting: (() => void)[] = []
	readonly #streams = new Set<StreamReceiver>()
	readonly #byTopic = new Map<string, Set<StreamReceiver>>()
	readonly #watchers = new Map<string, Set<StreamReceiver>>()
	readonly #subscriptions = new Set<Subscription>()
	readonly #history: Required<NonNullable<HubOptions['history']>>

	constructor(options: CoreOptions) {
		const { maxReplay = defaults.maxReplay, history = {}, presence } = options
		const {
			events = defaultHistory.events,
			age = defaultHistory.age,
			bytes = defaults.bytes
		} = history
		this.#history = checkBounds({ events, age, bytes })
		this.broker = options.broker ?? memory({ history: this.#history })
		this.#heads = new Heads(this.broker)
		this.recent = new Recent(this.#history)
		this.maxReplay = maxReplay
		this.ready = new Promise((resolve) => (this.#isReady = resolve))
		this.presence = new Presence({
			grace: presence?.grace ?? defaults.grace,
			timeout: presence?.timeout ?? defaults.timeout,
			send: (text) => void this.broker.signal(text).catch(() => {}),
			changed: (topic, members) => this.#tellPresence(topic, members)
		})
	}

	/** Shows an error that has no caller; the broker has its own window for those of the engine. */
	readonly report = (thrown: unknown): void => console.error(toError(thrown))

	/** Begins to follow the log, with as much of the past as this process keeps at hand. */
	start(): void {
		if (this.#tail || this.isClosed) return
		const { events } = this.#history
		this.#tail = this.broker.tail(
			{ last: events === Infinity ? defaultHistory.events : events },
			{
				entries: (entries) => this.#take(entries),
				gap: (gap) => this.#lose(gap),
				live: (cursor) => this.#live(cursor),
				signal: (text) => this.presence.hear(text)
			}
		)
	}

	/** Counts a stream; returns what takes it off. */
	count(receiver: StreamReceiver): () => void {
		this.#streams.add(receiver)
		for (const topic of receiver.topics) addTo(this.#byTopic, topic, receiver)
		return () => {
			this.#streams.delete(receiver)
			for (const topic of receiver.topics) removeFrom(this.#byTopic, topic, receiver)
		}
	}

	connections(topic?: string): number {
		return topic === undefined ? this.#streams.size : (this.#byTopic.get(topic)?.size ?? 0)
	}

	/** Sends a stream who is on its topics, now and whenever that changes; returns what ends it. */
	watch(receiver: StreamReceiver): () => void {
		for (const topic of receiver.topics) {
			addTo(this.#watchers, topic, receiver)
			receiver.write(presenceFrame(topic, this.presence.members(topic)))
		}
		return () => {
			for (const topic of receiver.topics) removeFrom(this.#watchers, topic, receiver)
		}
	}

	/** Remembers a loop, to end it with the hub; returns what forgets it. */
	track(subscription: Subscription): () => void {
		this.#subscriptions.add(subscription)
		return () => this.#subscriptions.delete(subscription)
	}

	/** The end of the log, not from before this call. */
	head(): Promise<Cursor> {
		return this.#heads.ask()
	}

	/** Undefined if every stream knows by now where the log stood when it was opened; else resolves then, or a little later. */
	get asked(): Promise<void> | undefined {
		const { settled } = this.#heads
		return settled && within(settled, endTimeoutMs, () => new Error()).catch(() => {})
	}

	/** Resolves when the log has been reached; rejects after a while. Those who ask meanwhile wait together. */
	reached(): Promise<void> {
		return (this.#reached ??= within(this.ready, startTimeoutMs, unreached).finally(
			() => (this.#reached = undefined)
		))
	}

	moved(): Promise<void> {
		return new Promise((resolve) => this.#waiting.push(resolve))
	}

	async close(): Promise<void> {
		if (this.isClosed) return
		this.isClosed = true
		this.presence.close()
		this.#isReady()
		this.#wake()
		for (const stream of this.#streams) stream.end('restart')
		for (const subscription of this.#subscriptions) subscription.end()
		await this.#tail?.close()
		await this.broker.close()
	}

	#take(entries: readonly LogEntry[]): void {
		const frames = entries.map((entry) => new Frame(entry))
		for (const frame of frames) {
			this.recent.push(frame)
			if (frame.kind === 'bad') this.report(unsendable(frame.entry))
			if (frame.kind === 'end') this.#announce(frame)
		}
		this.delivery.deliver(frames)
		this.#wake()
	}

	/** The log has a hole here: whoever takes part may have missed events. */
	#lose({ cursor }: Gap): void {
		this.losses++
		this.recent.restart(cursor)
		for (const receiver of [...this.delivery.receivers()]) {
			receiver.gap(cursor)
			receiver.reached(cursor)
		}
		this.#wake()
	}

	#live(cursor: string): void {
		if (this.recent.head === undefined) this.recent.restart(cursor)
		this.#isReady()
		this.presence.start()
		this.#wake()
	}

	/** Tells the streams of a topic of its end that are still on their way to it; the others meet it in its place. */
	#announce(end: Frame): void {
		for (const stream of [...(this.#byTopic.get(end.entry.topic) ?? [])]) stream.expect(end)
	}

	#tellPresence(topic: string, members: Member[]): void {
		const watchers = this.#watchers.get(topic)
		if (!watchers) return
		const frame = presenceFrame(topic, members)
		for (const watcher of [...watchers]) watcher.write(frame)
	}

	#wake(): void {
		for (const resolve of this.#waiting.splice(0)) resolve()
	}
}

function unreached(): SseError {
	return new SseError(
		'timeout',
		`The broker was not reached within ${startTimeoutMs} ms; see hub.health, and try again.`
	)
}

function unsendable({ topic, name }: LogEntry): SseError {
	return new SseError(
		'invalid-argument',
		`An entry of the topic ${JSON.stringify(topic)} cannot be sent (its name is ${JSON.stringify(name)}); the clients are ` +
			'told of a gap. Correct the program that inserts it.'
	)
}

function presenceFrame(topic: string, members: Member[]): string {
	return encodeEvent('presence', JSON.stringify({ topic, members } satisfies PresenceEvent))
}

function addTo<V>(map: Map<string, Set<V>>, key: string, value: V): void {
	const set = map.get(key)
	if (set) set.add(value)
	else map.set(key, new Set([value]))
}

function removeFrom<V>(map: Map<string, Set<V>>, key: string, value: V): void {
	const set = map.get(key)
	if (set?.delete(value) && set.size === 0) map.delete(key)
}
