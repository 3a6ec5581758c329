// A Vitest reporter that writes down what `scripts/test.mjs` sums up: how many tests passed and
// failed, and which were skipped for what reason. It writes after every file, so that a run that is
// cut short still counts.

import { writeFileSync } from 'node:fs'

/**
 * @typedef {{
 * 	passed: number
 * 	failed: number
 * 	skipped: { name: string, reason?: string }[]
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
				// A test whose set-up failed did not run, but not because anyone wanted to leave it out.
				else if (state === 'failed' || inBrokenSuite(test)) failed++
				else if (state === 'skipped') {
					const name = `${module.relativeModuleId} > ${test.fullName}`
					count.skipped.push({ name, reason: reasonOf(test) })
				}
			}
			count.failed += failed || (module.ok() ? 0 : 1)
		}
		writeFileSync(file, JSON.stringify(count))
	}
}

/**
 * @typedef {import('vitest/node').TestSuite | import('vitest/node').TestModule} Parent
 */

/**
 * @param {import('vitest/node').TestCase} test
 * @returns {Parent[]} the suites around it, the innermost first, and its file
 */
function parentsOf(test) {
	/** @type {Parent[]} */
	const parents = [test.parent]
	for (let last = test.parent; last.type === 'suite';) parents.push((last = last.parent))
	return parents
}

/** @param {import('vitest/node').TestCase} test */
function inBrokenSuite(test) {
	return parentsOf(test).some((parent) => parent.errors().length > 0)
}

/**
 * The note of `skip(note)`, or the reason that the test or a suite around it has in its `meta`.
 *
 * @param {import('vitest/node').TestCase} test
 */
function reasonOf(test) {
	const result = test.result()
	if ('note' in result && result.note) return result.note
	for (const task of [test, ...parentsOf(test)]) {
		const { skipped } = /** @type {{ skipped?: string }} */ (task.meta())
		if (skipped) return skipped
	}
	return test.options.mode === 'todo' ? 'to do' : undefined
}
