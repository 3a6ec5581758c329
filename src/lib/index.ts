/**
 * Both verbs: `produce()` makes a stream on the server, `source()` reads it in components. What is not used of either is
 * left out of the other's bundle.
 *
 * @module sveltekit-sse
 */

export { source } from './source/source.js'
export { SseConnection, type ChannelOf } from './connection.svelte.js'
export { SseChannel, type EventMeta } from './channel.svelte.js'
export type { JsonFailure } from './channel/operator.js'
export type { ListOptions } from './channel/list.js'
export type { ScanOptions } from './channel/operators.js'
export type { NextOptions } from './channel/iterate.js'
export type { Callback, NestedOptions, SourceEvent, SourceOptions } from './source/options.js'
export type { BodySource, LossInfo, Reason, ReconnectOptions, Status } from './link/types.js'
export { produce } from './produce/produce.js'
export { drain, type DrainOptions } from './produce/drain.js'
export type {
	Emit,
	Emitted,
	EmitOptions,
	Overflow,
	ProduceOptions,
	ProducerConnection,
	Start,
	Started,
	Stop,
	StopReason,
	UnnamedEvent,
	Unsafe
} from './produce/types.js'
export { defineEvents, type EventsOf } from './contract/define-events.js'
export type { Definitions, EventsOptions, Validate } from './contract/options.js'
export { typed } from './contract/schema.js'
export { jsonCodec, textCodec, type Codec } from './contract/codec.js'
export type { AnyEvents, Contract, In, Name, Out, Schema, Untyped } from './contract/types.js'
export { SseError, type CloseReason, type SseErrorCode, type SseErrorDetails } from './errors.js'
export type {
	ClosePayload,
	Connection,
	Emitter,
	Event,
	EventListener,
	FetchEventSourceInit,
	FetchEventSourceMessage,
	Jsonifier,
	JsonPredicate,
	JsonPredicatePayload,
	Message,
	OnCancel,
	Options,
	Pretty,
	ProducePayload,
	Source,
	SourceConfiguration,
	SourceSelect,
	SourceSelected,
	SourceSelectedTransform,
	Transformer
} from './source/deprecated.js'
