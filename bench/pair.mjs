import { Worker } from './rpc.mjs'

/** @typedef {import('./payload.mjs').Shape} Shape */

/** One contestant's server and a client for it, each in a process of its own. */
export class Pair {
	/** @param {string} name of the contestant */
	constructor(name) {
		this.name = name
		this.server = new Worker('server.mjs', [name], ['--expose-gc'])
		this.client = new Worker('client.mjs')
	}

	/** @param {Shape} shape @param {number} count of connections @returns {Promise<number>} the time it took, in ms */
	async open(shape, count) {
		const ports = await this.server.call('ports')
		await this.server.call('shape', shape)
		const time = await this.client.call('open', { ports, count })
		const open = await this.server.call('count')
		if (open < count) throw new Error(`${this.name}: ${open} of ${count} streams are open`)
		return time
	}

	/**
	 * Opens connections that resume, all with the same past: the events of one round.
	 *
	 * @param {Shape} shape @param {number} count of connections @returns {Promise<number>} milliseconds until each has all
	 */
	async resume(shape, count) {
		const ports = await this.server.call('ports')
		await this.server.call('shape', shape)
		const after = await this.server.call('remember')
		await this.client.call('forget')
		const time = await this.client.call('resume', { ports, count, after })
		const checked = await this.client.call('check', shape)
		const events = count * shape.events * shape.ticks
		if (checked.events !== events)
			throw new Error(`${this.name}: ${checked.events} events of ${events} arrived`)
		return time
	}

	/**
	 * Feeds the connections for some milliseconds, and checks that every event has arrived.
	 *
	 * @param {Shape} shape @param {number} time
	 */
	async measure(shape, time) {
		await this.client.call('forget')
		const { events, ...flow } = await this.server.call('run', time)
		const checked = await this.client.call('check', shape)
		if (checked.events !== events)
			throw new Error(`${this.name}: ${checked.events} events of ${events} arrived`)
		return { ...flow, bytes: checked.bytes / events }
	}

	async stop() {
		await Promise.all([this.client.stop(), this.server.stop()])
	}
}

/**
 * Runs something for each of several pairs, once to warm up and then again and again, in another order each time: so
 * all of them meet the same disturbances, and none always follows the same.
 *
 * @template T
 * @param {Pair[]} pairs
 * @param {number} repeats
 * @param {(pair: Pair) => Promise<T>} run
 * @returns {Promise<Map<string, T[]>>} the results of each, without the first
 */
export async function interleave(pairs, repeats, run) {
	/** @type {Map<string, T[]>} */
	const results = new Map(pairs.map(({ name }) => [name, []]))
	for (let repeat = -1; repeat < repeats; repeat++) {
		const shift = (repeat + 1) % pairs.length
		for (const pair of [...pairs.slice(shift), ...pairs.slice(0, shift)]) {
			const result = await run(pair)
			if (repeat >= 0) results.get(pair.name)?.push(result)
		}
	}
	return results
}
