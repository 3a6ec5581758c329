// Several servers on one port: this process takes the connections and hands them out in turn, as a load balancer does.

import cluster from 'node:cluster'
import { fileURLToPath } from 'node:url'

/**
 * Start so many servers; one that ends is started again, until this process is told to stop. Resolves when all listen.
 *
 * @param {number} count
 */
export async function startProcesses(count) {
	cluster.schedulingPolicy = cluster.SCHED_RR
	cluster.setupPrimary({ exec: fileURLToPath(new URL('serve.mjs', import.meta.url)) })
	/** @type {Set<import('node:cluster').Worker>} */
	const workers = new Set()
	let stopping = false

	/** @param {number} number the server's own, which the one that follows it takes over */
	const start = (number) =>
		new Promise((resolve) => {
			const worker = cluster.fork({ PROCESS: String(number) })
			let listens = false
			workers.add(worker)
			worker.on('message', () => {
				listens = true
				resolve(undefined)
			})
			worker.once('exit', () => {
				workers.delete(worker)
				if (stopping && workers.size === 0) process.exit(0)
				if (stopping) return
				// One that never got as far will not get further; its own words stand above.
				if (!listens) process.exit(1)
				void start(number)
			})
		})

	for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM']))
		process.on(signal, () => {
			stopping = true
			for (const worker of workers) worker.process.kill('SIGTERM')
		})

	await Promise.all(Array.from({ length: count }, (_, index) => start(index + 1)))
}
