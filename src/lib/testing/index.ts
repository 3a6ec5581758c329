/**
 * For tests of apps that use the library, without a browser, a network or a clock.
 *
 * @module sveltekit-sse/testing
 */

export { codecConformance, type CodecCase, type CodecUnderTest } from './codec-conformance.js'
export { collect, type CollectOptions } from './collect.js'
export { assertNothingOpen, leftovers, type Leftovers } from './leftovers.js'
export { manualClock, type ManualClock } from './manual-clock.js'
export { memoryFetch, type MemoryFetch, type MemoryFetchOptions } from './memory-fetch.js'
export { mockSource, type MockControls, type MockOptions, type MockSource } from './mock-source.js'
export { read, type EventReader, type ReadEvent, type ReadOptions } from './read.js'
export { streamRequest, type StreamRequestOptions } from './request.js'
export type { Handler, Methods, Routes } from './routes.js'
export { settled } from './settle.js'
export { actAsClient, cleanup } from './tidy.js'
export {
	brokerConformance,
	lacking,
	type BrokerFaults,
	type BrokerSettings,
	type BrokerUnderTest,
	type ConformanceCase
} from './broker-conformance.js'
