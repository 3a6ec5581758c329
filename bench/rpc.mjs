// Orders to a child process over its IPC channel, and answers back.

import { fork } from 'node:child_process'
import { once } from 'node:events'

/** @typedef {Record<string, (argument: any) => unknown>} Orders */

/** Serves orders to the parent of this process. @param {Orders} orders */
export function obey(orders) {
	process.on('message', async (/** @type {any} */ { id, order, argument }) => {
		try {
			process.send?.({ id, result: await orders[order]?.(argument) })
		} catch (error) {
			process.send?.({ id, error: error instanceof Error ? error.stack : String(error) })
		}
	})
	process.on('disconnect', () => process.exit())
}

/** A child process that takes orders. */
export class Worker {
	#child
	#last = 0
	/** @type {Map<number, { resolve(value: any): void, reject(error: Error): void }>} */
	#open = new Map()

	/**
	 * @param {string} file relative to this folder
	 * @param {string[]} [args]
	 * @param {string[]} [execArgv] options for Node
	 */
	constructor(file, args = [], execArgv = []) {
		this.#child = fork(new URL(file, import.meta.url), args, {
			execArgv,
			serialization: 'advanced'
		})
		this.#child.on('message', (/** @type {any} */ { id, result, error }) => {
			const open = this.#open.get(id)
			this.#open.delete(id)
			if (error) open?.reject(new Error(`${file} ${args.join(' ')}: ${error}`))
			else open?.resolve(result)
		})
		this.#child.on('exit', (code) => {
			for (const { reject } of this.#open.values())
				reject(new Error(`${file} ${args.join(' ')} ended with ${code}`))
			this.#open.clear()
		})
	}

	/**
	 * @param {string} order
	 * @param {unknown} [argument]
	 * @returns {Promise<any>}
	 */
	call(order, argument) {
		return new Promise((resolve, reject) => {
			const id = ++this.#last
			this.#open.set(id, { resolve, reject })
			this.#child.send({ id, order, argument })
		})
	}

	async stop() {
		if (this.#child.exitCode !== null) return
		const exited = once(this.#child, 'exit')
		if (this.#child.connected) this.#child.disconnect()
		const late = setTimeout(() => this.#child.kill('SIGKILL'), 3_000)
		await exited
		clearTimeout(late)
	}
}
