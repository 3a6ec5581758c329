import type { CloseReason } from '../errors.js'
import type { Contract, In, Name, Out, Untyped } from '../contract/types.js'
import type { ProduceOptions, Start } from '../produce/types.js'
import type { Broker, Cursor } from './broker.js'

/** What carries a hub's events, how much of the past it keeps, and how long members stay. */
export interface HubOptions<S = Untyped> {
	/** What carries the events. @default memory(): this process only */
	broker?: Broker | undefined
	/** The contract of the events, from `defineEvents`. */
	events?: Contract<S> | undefined
	/**
	 * How much of the past this process keeps at hand, so that a crowd of clients that resume does not reach the broker;
	 * whichever bound is reached first holds. What is older is read from the broker.
	 */
	history?:
		| {
				/** Number of events. @default 10_000 */
				events?: number | undefined
				/** Age in milliseconds. @default 3_600_000 (an hour) */
				age?: number | undefined
				/** Size in bytes. @default 16 MiB */
				bytes?: number | undefined
		  }
		| undefined
	/**
	 * The most events that one client is sent from the past when it resumes; one that missed more is told of a gap.
	 * @default 10_000
	 */
	maxReplay?: number | undefined
	/**
	 * Bytes of one event as it is sent to clients; `publish` refuses a larger one with `too-large`.
	 * @default 1_048_576 (1 MiB)
	 */
	maxEvent?: number | undefined
	/** The most topics of one stream or subscription. @default 100 */
	maxTopics?: number | undefined
	/** How long members of a topic stay. */
	presence?:
		| {
				/** Milliseconds a member stays after its last connection, so that a reconnect does not flicker. @default 5_000 */
				grace?: number | undefined
				/** Milliseconds after which the members of a machine that fell silent are gone. @default 15_000 */
				timeout?: number | undefined
		  }
		| undefined
	/**
	 * In development a hub of the same name goes on after a hot reload, with its clients. Needed when one file makes
	 * several hubs. @default the file that makes the hub
	 */
	name?: string | undefined
}

/** Who is left out, and how long to try. */
export interface PublishOptions {
	/** Leaves out the streams whose `member.id` this is: the sender's. */
	except?: string | undefined
	/**
	 * Milliseconds to keep trying while the broker is away. The call settles within that and the broker's `timeout` (5 s).
	 * @default 0
	 */
	wait?: number | undefined
	/** A database client inside the user's own transaction (PostgreSQL); the result's value is then an empty string. */
	client?: unknown
}

/** How long `disconnect` tries while the broker is away, and the transaction that it is part of; as in {@link PublishOptions}. */
export type DisconnectOptions = Pick<PublishOptions, 'wait' | 'client'>

/** Who is on a topic. */
export interface Member {
	/** Such as the user's id. Several connections with one id are one member. */
	id: string
	/** Whatever others should see, as JSON; of several connections the newest counts. */
	meta?: unknown
}

/** How one client is fed: the options of `produce`, and what the client is sent of the topics. */
export interface StreamOptions<S = Untyped> extends ProduceOptions<S> {
	/** The request that asks for the stream. */
	request: Request
	/**
	 * Milliseconds without a byte after which a heartbeat is sent, as in `produce`; `false` sends none. Who is present
	 * depends on it: behind some proxies a member whose client left stays for up to three heartbeats more.
	 * @default 15_000, on Bun 8_000
	 */
	ping?: number | false | undefined
	/**
	 * Bytes that may wait for the client, as in `produce`; one that reads too slowly comes back and resumes.
	 * @default 1 MiB, and room for an event of `maxEvent`
	 */
	maxBuffer?: number | undefined
	/** Feeds this one stream beside the topics, as in `produce`. */
	start?: Start<S> | undefined
	/**
	 * What a client that does not resume is sent first: `true`: the latest event of each topic; a number: the latest so many
	 * events of all topics together.
	 * @default false
	 */
	last?: boolean | number | undefined
	/** Makes the client a member of the topics; it is also sent `presence` events, see {@link PresenceEvent}. */
	member?: Member | undefined
	/** Sends `presence` events to a client that is no member itself. @default whether there is a `member` */
	presence?: boolean | undefined
}

/** The data of the event `presence`: who is on a topic now. */
export interface PresenceEvent {
	/** The topic that changed. */
	topic: string
	/** Everyone who is on it, over all machines. */
	members: Member[]
}

/** Where a loop begins, and what ends it. */
export interface SubscribeOptions {
	/** Begins behind this cursor. @default now */
	after?: Cursor | undefined
	/** Ends the loop. */
	signal?: AbortSignal | undefined
	/** Called when events were missed. Without it the loop throws an `SseError` with the code `gap`. */
	gap?: (() => void) | undefined
}

/** One event as server code sees it. */
export type HubEvent<S = Untyped> = {
	[K in Name<S>]: {
		/** The topic that it was published to. */
		topic: string
		/** The event's name. */
		name: K
		/** What the contract makes of its data; without one, text. */
		data: Out<S, K>
		/** Where it stands; `subscribe({ after })` goes on behind it. */
		cursor: Cursor
		/** When it was published, by the broker's clock. */
		at: Date
	}
}[Name<S>]

export type { Broker, CloseReason, Cursor, In, Name }
