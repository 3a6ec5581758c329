/**
 * Publishing to everyone who is on a topic, on every machine; and the contract of the brokers that carry it.
 *
 * @module sveltekit-sse/hub
 */

export { Hub } from './hub.js'
export { memory, type MemoryOptions } from './memory.js'
export type { MemoryHistory } from './memory-log.js'
export type {
	DisconnectOptions,
	HubEvent,
	HubOptions,
	Member,
	PresenceEvent,
	PublishOptions,
	StreamOptions,
	SubscribeOptions
} from './types.js'
export type {
	AppendOptions,
	Broker,
	BrokerHealth,
	BrokerHistory,
	BrokerOptions,
	BrokerStage,
	Cursor,
	Entry,
	Gap,
	GapReason,
	LogEntry,
	Page,
	ReadOptions,
	Tail,
	TailListener,
	TailStart
} from './broker.js'
export {
	createEpoch,
	findGap,
	formatCursor,
	parseCursor,
	type LogState,
	type Position
} from './cursor.js'
