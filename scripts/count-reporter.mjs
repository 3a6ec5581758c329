// A Vitest reporter that writes down what `scripts/test.mjs` sums up: how many tests passed, and
// which failed, passed only when they were run again, or were skipped, and for what reason. It
// writes after every file, so that a run that is cut short still counts.

import { writeFileSync } from 'node:fs'

/**
 * @typedef {{ name: string, reason?: string }} Named
 * @typedef {{ passed: number, failed: Named[], flaky: Named[], skipped: Named[] }} Sum
 * @typedef {Sum & { done: boolean }} Count
 */

export default class CountReporter {
	/** @type {Map<string, import('vitest/node').TestModule>} */
	#modules = new Map()

	/** @param {import('vitest/node').TestModule} module */
	onTestModuleEnd(module) {
		this.#modules.set(module.id, module)
		this.#write([...this.#modules.values()], [], false)
	}

	/**
	 * @param {readonly import('vitest/node').TestModule[]} modules
	 * @param {readonly Thrown[]} errors unhandled ones, which belong to no test
	 */
	onTestRunEnd(modules, errors) {
		this.#write(modules, errors, true)
	}

	/**
	 * @param {readonly import('vitest/node').TestModule[]} modules
	 * @param {readonly Thrown[]} errors
	 * @param {boolean} done
	 */
	#write(modules, errors, done) {
		const file = process.env.TEST_COUNT_FILE
		if (!file) return
		/** @type {Count} */
		const count = { passed: 0, failed: [], flaky: [], skipped: [], done }
		for (const error of errors)
			count.failed.push({ name: 'outside of a test', reason: said(error) })
		for (const module of modules) {
			const before = count.failed.length
			for (const test of module.children.allTests()) {
				const name = `${module.relativeModuleId} > ${test.fullName}`
				const { state, errors } = test.result()
				if (test.diagnostic()?.flaky) count.flaky.push({ name, reason: said(errors?.[0]) })
				if (state === 'passed') count.passed++
				else if (state === 'failed') count.failed.push({ name, reason: said(errors[0]) })
				// A test whose set-up failed did not run, but not because anyone wanted to leave it out.
				else if (brokenSuite(test)) count.failed.push({ name, reason: said(brokenSuite(test)) })
				else if (state === 'skipped') count.skipped.push({ name, reason: reasonOf(test) })
			}
			// A file that does not load, or a hook that throws, fails without a failing test.
			if (!module.ok() && count.failed.length === before) {
				count.failed.push({ name: module.relativeModuleId, reason: said(module.errors()[0]) })
			}
		}
		writeFileSync(file, JSON.stringify(count))
	}
}

/**
 * @typedef {import('vitest/node').TestSuite | import('vitest/node').TestModule} Parent
 * @typedef {{ message?: string, cause?: unknown }} Thrown
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

/**
 * @param {import('vitest/node').TestCase} test
 * @returns {Thrown | undefined} what the set-up of a suite around it threw
 */
function brokenSuite(test) {
	return parentsOf(test).flatMap((parent) => parent.errors())[0]
}

/**
 * The first line of an error, and of what caused it: a time-out alone does not tell what was waited for.
 *
 * @param {Thrown} [error]
 * @returns {string | undefined}
 */
function said(error) {
	const lines = [error, error?.cause].map((thrown) => {
		const { message } = /** @type {Thrown} */ (thrown ?? {})
		return message?.split('\n')[0]
	})
	return lines.filter(Boolean).join(', caused by: ') || undefined
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
