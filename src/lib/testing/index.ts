/**
 * For tests of apps that use the library, without a browser, a network or a clock.
 *
 * @module sveltekit-sse/testing
 */

export { codecConformance, type CodecCase, type CodecUnderTest } from './codec-conformance.js'
export { collect, type CollectOptions } from './collect.js'
export { flushPromises } from './flush-promises.js'
export { assertNothingOpen, leftovers, type Leftovers } from './leftovers.js'
export { manualClock, type ManualClock } from './manual-clock.js'
export { memoryFetch, type MemoryFetch, type MemoryFetchOptions } from './memory-fetch.js'
export { memoryPage, type MemoryPage, type MemoryPageOptions } from './memory-page.js'
export { mockSource, type MockControls, type MockOptions, type MockSource } from './mock-source.js'
export { read, type EventReader, type ReadEvent, type ReadNote, type ReadOptions } from './read.js'
export { streamRequest, type StreamRequestOptions } from './request.js'
export { actAsClient, restoreAll } from './restore.js'
export type { Handler, Methods, Routes } from './routes.js'
export { brokerConformance, lacking } from './broker-conformance.js'
export type {
	BrokerFaults,
	BrokerSettings,
	BrokerUnderTest,
	ConformanceCase
} from './conformance/types.js'
