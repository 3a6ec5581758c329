// Runs parts of the tests, several at a time, until the time is up.

import { add, nothing } from './parts.mjs'

/**
 * @typedef {import('./count-reporter.mjs').Sum} Sum
 * @typedef {{ sum: Sum, seconds: number }} Result
 */

/**
 * Run parts, in the order of their names. What a part throws counts as its failure, and the other parts go on.
 *
 * @param {Record<string, Pick<import('./parts.mjs').Part, 'steps'>>} parts
 * @param {object} options
 * @param {number} options.deadline when everything has to be over, in ms since the epoch: what has not begun by then fails
 * @param {number} options.lanes parts that run at a time
 * @param {string} options.work a folder for files of this run
 * @param {string[]} options.args what narrows a single part down
 * @returns {Promise<Record<string, Result>>}
 */
export async function runParts(parts, { deadline, lanes, work, args }) {
	/** @type {Record<string, Result>} */
	const results = {}
	const queue = Object.entries(parts)
	// The output of parts that run at a time would be mixed up: each is shown when its part has ended.
	const whole = queue.length > 1
	const left = () => Math.max(1, deadline - Date.now())
	const context = { work, args, whole, quiet: whole, left }

	await Promise.all(
		Array.from({ length: lanes }, async () => {
			for (let next = queue.shift(); next; next = queue.shift()) {
				const [name, { steps }] = next
				const start = performance.now()
				console.log(whole ? `  ${name} begins` : `\n━━ ${name}`)
				const sum = await runSteps(name, steps, context, deadline)
				results[name] = { sum, seconds: (performance.now() - start) / 1000 }
			}
		})
	)
	return results
}

/**
 * @param {string} name
 * @param {import('./parts.mjs').Step[]} steps
 * @param {import('./parts.mjs').Context} context
 * @param {number} deadline
 */
async function runSteps(name, steps, context, deadline) {
	const sum = nothing()
	for (const [index, step] of steps.entries()) {
		if (Date.now() >= deadline) {
			const reason = `${index === 0 ? 'not begun' : 'not all of it begun'}: the time was up`
			sum.failed.push({ name, reason })
			break
		}
		try {
			const { sum: more, output } = await step(context)
			add(sum, more)
			if (context.whole) console.log(`\n━━ ${name}\n${output}`)
		} catch (error) {
			const message = error instanceof Error ? error.message : String(error)
			console.log(`\n━━ ${name}\n${message}`)
			sum.failed.push({ name, reason: message.split('\n')[0] })
		}
	}
	return sum
}
