import { accept } from './accept.mjs'
import { disconnect } from './disconnect.mjs'
import { fanOut } from './fan-out.mjs'
import { idleHeap } from './idle-heap.mjs'
import { oneStream } from './one-stream.mjs'
import { left, reading } from './reading.mjs'
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
	...reading,
	left
]
