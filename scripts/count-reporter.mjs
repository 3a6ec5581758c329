// A Vitest reporter that writes down what `scripts/test.mjs` sums up: how many tests passed and
// failed, and which were skipped for what reason. It writes after every file, so that a run that is
// cut short still counts.

import { writeFileSync } from 'node:fs'

/**
 * @typedef {{
 * 	passed: number
 * 	failed: number
 * 	skipped: { name: string, reason: string }[]
 * 	done: boolean
 * }} Count
 */

export default class CountReporter {
	/** @type {Map<string, import('vitest/node').TestModule>} */
	#modules = new Map()

	/** @param {import('vitest/node').TestModule} module */
	onTestModuleEnd(module) {
		this.#modules.set(module.id, module)
		this.#write([...this.#modules.values()], 0, false)
	}

	/**
	 * @param {readonly import('vitest/node').TestModule[]} modules
	 * @param {readonly unknown[]} errors unhandled ones, which belong to no test
	 */
	onTestRunEnd(modules, errors) {
		this.#write(modules, errors.length, true)
	}

	/**
	 * @param {readonly import('vitest/node').TestModule[]} modules
	 * @param {number} errors
	 * @param {boolean} done
	 */
	#write(modules, errors, done) {
		const file = process.env.TEST_COUNT_FILE
		if (!file) return
		/** @type {Count} */
		const count = { passed: 0, failed: errors, skipped: [], done }
		for (const module of modules) {
			// A file that does not load, or a hook that throws, fails without a failing test.
			let failed = 0
			for (const test of module.children.allTests()) {
				const { state } = test.result()
				if (state === 'passed') count.passed++
				if (state === 'failed') failed++
				if (state === 'skipped') {
					count.skipped.push({
						name: `${module.relativeModuleId} > ${test.fullName}`,
						reason: reasonOf(test)
					})
				}
			}
			count.failed += failed || (module.ok() ? 0 : 1)
		}
		writeFileSync(file, JSON.stringify(count))
	}
}

/** @param {import('vitest/node').TestCase} test */
function reasonOf(test) {
	const result = test.result()
	if ('note' in result && result.note) return result.note
	/** @type {import('vitest/node').TestCase | import('vitest/node').TestSuite | import('vitest/node').TestModule} */
	let task = test
	for (;;) {
		const { skipped } = /** @type {{ skipped?: string }} */ (task.meta())
		if (skipped) return skipped
		if (task.type === 'module') break
		task = task.parent
	}
	return test.options.mode === 'todo' ? 'to do' : 'no reason given'
}
