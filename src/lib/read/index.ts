/**
 * The reader without Svelte: a loop over the events of any stream, on servers, in workers and in scripts.
 *
 * @module sveltekit-sse/read
 */

export { read, type Read } from './read.js'
export type { EventStream, OnceOptions, Opened, ReadEvent, ReadOptions } from './options.js'
export type { BodySource, LossInfo, Reason, ReconnectOptions } from '../link/types.js'
export type { Contract, Name, Out, Schema, Untyped } from '../contract/types.js'
export { SseError, type CloseReason, type SseErrorCode, type SseErrorDetails } from '../errors.js'
