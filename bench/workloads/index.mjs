import { accept } from './accept.mjs'
import { browser, browserHeap } from './browser.mjs'
import { brokers } from './brokers.mjs'
import { bundleSize } from './bundle-size.mjs'
import { disconnect } from './disconnect.mjs'
import { fanOut } from './fan-out.mjs'
import { herd } from './herd.mjs'
import { idleHeap } from './idle-heap.mjs'
import { oneStream } from './one-stream.mjs'
import { left, reading } from './reading.mjs'
import { replay } from './replay.mjs'
import { slowReader } from './slow-reader.mjs'

/** @import { Options, Table } from '../types.js' */

/** @type {{ name: string, quick?: boolean, run(options: Options): Promise<Table> }[]} */
export const workloads = [
	...oneStream,
	...fanOut,
	idleHeap,
	slowReader,
	disconnect,
	accept,
	replay,
	brokers,
	herd,
	...reading,
	left,
	...browser,
	browserHeap,
	bundleSize
]
