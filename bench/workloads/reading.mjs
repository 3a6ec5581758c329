import { Worker } from '../rpc.mjs'

/** @import { Options, Table } from '../types.js' */

const everyone = ['ours', 'ours again', 'feed', 'stream', 'sveltekit-sse-0.14']

/** Readings before those that count: code has to get warm, and theirs is more than the parser's alone. */
const warm = 8
const small = { events: 100_000, size: 64 }
/** @type {{ name: string, title: string, quick?: boolean, chunk: number, events: number, size: number }[]} */
const bodies = [
	{
		name: 'read-100',
		title: 'Client, bytes to listener, chunks of 100 bytes',
		chunk: 100,
		...small
	},
	{
		name: 'read-1k',
		title: 'Client, bytes to listener, chunks of 1 KiB',
		quick: false,
		chunk: 1_024,
		...small
	},
	{
		name: 'read-16k',
		title: 'Client, bytes to listener, chunks of 16 KiB',
		chunk: 16_384,
		...small
	},
	{
		name: 'read-64k',
		title: 'Client, bytes to listener, chunks of 64 KiB',
		quick: false,
		chunk: 65_536,
		...small
	},
	{
		name: 'read-8m',
		title: 'Client, one event of 8 MB in chunks of 1 KiB',
		events: 1,
		size: 8_000_000,
		chunk: 1_024
	}
]

/** The client alone, in Node: a response's bytes are there already. */
export const reading = bodies.map(({ name, title, quick, ...body }) => ({
	name,
	quick,
	/** @param {Options} options @returns {Promise<Table>} */
	async run({ repeats, only }) {
		const isHuge = body.size > 1_000_000
		const workers = everyone
			// It needs many seconds for the large one.
			.filter((name) => only(name) && !(isHuge && name === 'sveltekit-sse-0.14'))
			.map((name) => ({ name, worker: new Worker('reader.mjs', [], ['--expose-gc']) }))
		/** @type {Map<string, number[]>} */
		const values = new Map(workers.map(({ name }) => [name, []]))
		/** @type {Map<string, number[]>} */
		const costs = new Map(workers.map(({ name }) => [name, []]))
		const bytes = body.events * body.size
		try {
			for (let repeat = -warm; repeat < repeats; repeat++) {
				for (const { name, worker } of workers) {
					const who = name.replace(/ again$/, '')
					const { time, cpu } = await worker.call('read', { who, ...body })
					if (repeat < 0) continue
					values.get(name)?.push((bytes / time) * 0.001)
					costs.get(name)?.push((cpu / bytes) * 1_000)
				}
			}
		} finally {
			await Promise.all(workers.map(({ worker }) => worker.stop()))
		}
		return {
			name,
			title,
			text: isHuge
				? 'From the body of a response to a listener; CPU per kB. 0.14.3 is left out: its time grows with the square of the size.'
				: `From the body of a response to a listener, events of ${body.size} characters. All read the body and decode it; CPU per kB.`,
			unit: 'MB/s',
			better: 'more',
			targets: [{ against: 'feed', atLeast: 0.8 }],
			rows: [...values].map(([name, values]) => ({ name, values, costs: costs.get(name) }))
		}
	}
}))

/** What a client keeps of a stream that has run for long. */
export const left = {
	name: 'left',
	quick: false,
	/** @param {Options} options @returns {Promise<Table>} */
	async run({ repeats, only }) {
		const rows = []
		for (const who of ['ours', 'sveltekit-sse-0.14'].filter(only)) {
			/** @type {number[]} */
			const values = []
			for (let repeat = 0; repeat < Math.min(3, repeats); repeat++) {
				const worker = new Worker('reader.mjs', [], ['--expose-gc'])
				values.push((await worker.call('left', { who })) / 1_000)
				await worker.stop()
			}
			rows.push({ name: who, values })
		}
		return {
			name: 'left',
			title: 'Client, memory after a million events',
			text: 'What the heap has grown by, after the connection has closed.',
			unit: 'kB',
			better: 'less',
			targets: [],
			rows
		}
	}
}
