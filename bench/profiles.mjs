// node bench/profiles.mjs: where the time goes; writes the tables in this folder's README.md.

import { build } from './build.mjs'
import { Pair } from './pair.mjs'
import { writeInto } from './readme.mjs'
import { markdown } from './report.mjs'
import { Worker } from './rpc.mjs'

/** Milliseconds of each profile. */
const time = 4_000
/** Shares below this are summed up. */
const small = 0.01

const server = [
	{ title: 'One stream, ticks of 64', who: 'ours', connections: 1, events: 64, ticks: 300 },
	{ title: 'One stream, one at a time', who: 'ours', connections: 1, events: 1, ticks: 2_000 },
	{ title: 'Fan-out of one event to 1,000', who: 'hub', connections: 1_000, events: 1, ticks: 1 },
	{ title: 'Fan-out of 10 events to 1,000', who: 'hub', connections: 1_000, events: 10, ticks: 1 }
]
const client = [
	{ title: 'Client, chunks of 100 bytes', chunk: 100, events: 100_000, size: 64 },
	{ title: 'Client, chunks of 16 KiB', chunk: 16_384, events: 100_000, size: 64 },
	{ title: 'Client, one event of 8 MB in 1 KiB', chunk: 1_024, events: 1, size: 8_000_000 }
]

/** @type {string[]} */
const tables = []
await build()
for (const { title, who, connections, events, ticks } of server) {
	const pair = new Pair(who)
	try {
		const shape = { size: 64, events, ticks }
		await pair.open(shape, connections)
		await pair.measure(shape, time / 4)
		await pair.server.call('profile')
		await pair.measure(shape, time)
		tables.push(table(title, await pair.server.call('profiled')))
	} finally {
		await pair.stop()
	}
}
for (const { title, ...body } of client) {
	const worker = new Worker('reader.mjs', [], ['--expose-gc'])
	try {
		const read = () => worker.call('read', { who: 'ours', ...body })
		for (let warm = 0; warm < 5; warm++) await read()
		await worker.call('profile')
		for (const end = performance.now() + time; performance.now() < end;) await read()
		tables.push(table(title, await worker.call('profiled')))
	} finally {
		await worker.stop()
	}
}

writeInto('README.md', tables.join('\n\n'))
console.log('Written: bench/README.md')

/** @param {string} title @param {[party: string, share: number][]} shares */
function table(title, shares) {
	const measured = shares.filter(([party]) => party !== 'the measuring itself')
	const total = measured.reduce((sum, [, share]) => sum + share, 0)
	const shown = measured.filter(([, share]) => share / total >= small)
	const rest = total - shown.reduce((sum, [, share]) => sum + share, 0)
	const rows = [...shown, /** @type {const} */ (['the rest', rest])]
	return markdown(
		[title, ''],
		rows.map(([party, share]) => [party, `${((share / total) * 100).toFixed(0)} %`])
	)
}
