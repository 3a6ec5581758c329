import { SseError, toError } from '../errors.js'
import { encodeEvent } from '../wire/encode.js'
import { checkBounds, defaultHistory } from './bounds.js'
import type { Broker, Cursor, Gap, LogEntry, Tail } from './broker.js'
import { comparePositions, parseCursor } from './cursor.js'
import { Delivery } from './delivery.js'
import { Frame } from './frame.js'
import type { Joinable } from './join.js'
import { memory } from './memory.js'
import { Presence } from './presence.js'
import { Recent } from './recent.js'
import type { StreamReceiver } from './streaming.js'
import type { Subscription } from './subscription.js'
import type { HubOptions, Member, PresenceEvent } from './types.js'

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
	isClosed = false
	#isReady!: () => void
	#isLive = false
	/** Where the log stood when this process began to follow it; undefined where that cannot be known. */
	#began: Promise<Cursor | undefined> | undefined
	/** Ends of topics that came before this process had caught up with the log. */
	#early: Frame[] = []
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
		this.#began = this.broker.head().catch(() => undefined)
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
			if (frame.kind !== 'end') continue
			if (this.#isLive) this.#announce(frame)
			else this.#early.push(frame)
		}
		this.delivery.deliver(frames)
		this.#wake()
	}

	/** The log has a hole here: whoever takes part may have missed events. */
	#lose({ cursor }: Gap): void {
		this.recent.restart(cursor)
		for (const receiver of [...this.delivery.receivers()]) {
			receiver.gap(cursor)
			receiver.reached(cursor)
		}
		this.#wake()
	}

	#live(cursor: string): void {
		if (this.recent.head === undefined) this.recent.restart(cursor)
		if (!this.#isLive) void this.#begin()
		this.presence.start()
		this.#wake()
	}

	/** Tells the streams of a topic that are still behind of its end; the others meet it in its place. */
	#announce(end: Frame): void {
		for (const stream of [...(this.#byTopic.get(end.entry.topic) ?? [])]) stream.expect(end)
	}

	/** What was said before this process followed the log was not said to its streams; what came since is. */
	async #begin(): Promise<void> {
		const began = parseCursor(await this.#began)
		this.#isLive = true
		for (const end of this.#early.splice(0)) {
			const at = parseCursor(end.entry.cursor)
			if (!began || at?.epoch !== began.epoch || comparePositions(at, began) <= 0) continue
			this.#announce(end)
		}
		this.#isReady()
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

function unsendable({ topic, name }: LogEntry): SseError {
	return new SseError(
		'invalid-argument',
		`The topic ${JSON.stringify(topic)} has an event whose name cannot be sent (${JSON.stringify(name)}); its clients ` +
			'are told of a gap. Correct whoever inserts it.'
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
