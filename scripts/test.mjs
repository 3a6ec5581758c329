// npm test: installs what is missing, runs every part and ends with one line of sums.
// npm run test:<part>: one part; what follows `--` narrows it down (for Vitest a file name or -t).

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureBrowser } from './browser.mjs'
import { ensureInstalled, tool } from './install.mjs'
import { fail, onStop, stopChildren } from './process.mjs'
import { ensure } from './system.mjs'

/**
 * @typedef {import('./count-reporter.mjs').Named} Named
 * @typedef {import('./count-reporter.mjs').Sum} Sum
 * @typedef {(args: string[]) => Promise<Sum>} Step
 */

const minute = 60_000
/** When everything has to be over: what hangs must not keep the sum from being said. */
const deadline = Date.now() + 28 * minute
const work = mkdtempSync(join(tmpdir(), 'sveltekit-sse-test-'))

/**
 * @typedef {{
 * 	steps: Step[]
 * 	browser?: boolean
 * 	programs?: import('./system.mjs').ProgramName[]
 * }} Part what it runs, whether in a browser, and the programs that its tests use when they are there
 */

/**
 * The parts, cheap ones first: what breaks often is said early.
 *
 * @type {Record<string, Part>}
 */
const parts = {
	types: {
		steps: [
			check('svelte-check', 'svelte-check/bin/svelte-check', [
				'--tsconfig',
				'./tsconfig.json',
				'--fail-on-warnings',
				'--output',
				'human'
			]),
			// tsc on the type tests; svelte-check has seen all other files, the ones without Svelte too.
			vitest('types', 8)
		]
	},
	lint: {
		steps: [
			check('eslint', 'eslint/bin/eslint.js', ['--max-warnings', '0'], '.'),
			check('prettier', 'prettier/bin/prettier.cjs', ['--check', '--log-level', 'warn'], '.')
		]
	},
	unit: {
		steps: [vitest('unit', 8, 1), vitest('jsdom', 4)],
		programs: [
			'redis-server',
			'nats-server',
			'initdb',
			'nginx',
			'firefox',
			'WebKitWebDriver',
			'Xvfb'
		]
	},
	package: { steps: [vitest('package', 8)] },
	browser: { steps: [vitest('browser', 8, 1)], browser: true },
	e2e: {
		steps: [vitest('e2e', 15, 1)],
		browser: true,
		programs: ['firefox', 'WebKitWebDriver', 'Xvfb']
	},
	brokers: {
		steps: [vitest('brokers', 8, 1)],
		programs: ['redis-server', 'nats-server', 'initdb', 'nginx']
	},
	resilience: {
		steps: [vitest('resilience', 12, 1)],
		browser: true,
		programs: ['nginx', 'firefox', 'WebKitWebDriver', 'Xvfb']
	},
	compat: { steps: [vitest('compat', 10)], browser: true }
}

/** @param {number} minutes that something may take, if so many are left */
function atMost(minutes) {
	return Math.max(1, Math.min(minutes * minute, deadline - Date.now()))
}

/**
 * A program that is right or wrong as a whole: it counts as one test.
 *
 * @param {string} name
 * @param {string} bin
 * @param {string[]} options
 * @param {string} [everything] what it looks at when nothing narrower is asked for
 * @returns {Step}
 */
function check(name, bin, options, everything) {
	return async (args) => {
		console.log(`\n· ${name}`)
		const targets = args.length > 0 || !everything ? args : [everything]
		const { code } = await tool(bin, [...options, ...targets], { timeout: atMost(5) })
		console.log(code === 0 ? `  ${name} passed` : `  ${name} failed`)
		return code === 0 ? { ...nothing(), passed: 1 } : { ...nothing(), failed: [{ name }] }
	}
}

/**
 * The tests of one Vitest project.
 *
 * @param {string} project
 * @param {number} minutes after which the run is cut and counts as failed
 * @param {number} [retries] how often a whole run gives a test that failed another try: where
 * real servers and browsers share a busy machine, and only with the failure told in the summary
 * @returns {Step}
 */
function vitest(project, minutes, retries = 0) {
	return async (args) => {
		const file = join(work, `${project}.json`)
		const { code } = await tool(
			'vitest/vitest.mjs',
			[
				'run',
				'--project',
				project,
				'--reporter=default',
				'--reporter=./scripts/count-reporter.mjs',
				'--passWithNoTests',
				// Who runs one part is after what fails in it; a whole run also says what it had to run again.
				...(name === undefined ? [`--retry=${retries}`] : args)
			],
			{ env: { TEST_COUNT_FILE: file }, timeout: atMost(minutes) }
		)
		const { done, ...sum } = readCount(file)
		if (!done) sum.failed.push({ name: project, reason: 'did not run to its end' })
		// Vitest may fail for a reason that belongs to no test, a global set-up for one.
		else if (sum.failed.length === 0 && code !== 0) sum.failed.push({ name: project })
		if (sum.passed + sum.failed.length + sum.skipped.length === 0) console.log('  no tests')
		return sum
	}
}

/**
 * @param {string} file
 * @returns {import('./count-reporter.mjs').Count}
 */
function readCount(file) {
	try {
		return JSON.parse(readFileSync(file, 'utf8'))
	} catch {
		return { ...nothing(), done: false }
	}
}

/** @returns {Sum} */
function nothing() {
	return { passed: 0, failed: [], flaky: [], skipped: [] }
}

/** @param {Sum} sum */
function describe({ passed, failed, skipped }) {
	const counts = `${passed} passed, ${failed.length} failed`
	return skipped.length > 0 ? `${counts}, ${skipped.length} skipped` : counts
}

const [name, ...args] = process.argv.slice(2)
if (name !== undefined && !(name in parts)) {
	fail(`There is no part ${name}. The parts are: ${Object.keys(parts).join(', ')}.`)
}
const chosen = Object.entries(parts).filter(([part]) => name === undefined || part === name)

onStop(() => {
	stopChildren()
	rmSync(work, { recursive: true, force: true })
	process.exit(130)
})

const total = nothing()
/** @type {string[]} */
const lines = []

await ensureInstalled()
const { code } = await tool('@sveltejs/kit/svelte-kit.js', ['sync'])
if (code !== 0) fail('svelte-kit sync failed, see above.')

for (const [part, { steps, browser, programs = [] }] of chosen) {
	console.log(`\n━━ ${part}`)
	const start = performance.now()
	const sum = nothing()
	try {
		// Found once and handed on, so that every worker uses the same.
		if (browser) process.env.CHROMIUM_PATH = await ensureBrowser()
		// Tests skip by name what is still missing after this.
		for (const program of programs) {
			const { reason } = await ensure(program)
			if (reason) console.log(`  ${reason}`)
		}
		for (const step of steps) add(sum, await step(args))
	} catch (error) {
		const reason = error instanceof Error ? error.message : String(error)
		console.error(reason)
		sum.failed.push({ name: part, reason })
	}
	add(total, sum)
	const seconds = ((performance.now() - start) / 1000).toFixed(1)
	lines.push(`${part.padEnd(8)} ${seconds.padStart(6)} s  ${describe(sum)}`)
}
rmSync(work, { recursive: true, force: true })

console.log(`\n━━ summary\n${lines.join('\n')}`)
list('Skipped', total.skipped)
list('Flaky, passed when run again', total.flaky)
list('Failed', total.failed)
if (total.passed + total.failed.length === 0) console.log('\nNothing ran.')
console.log(`\n${describe(total)}`)
process.exitCode = total.failed.length > 0 || total.passed === 0 ? 1 : 0

/**
 * @param {string} title
 * @param {Named[]} tests
 */
function list(title, tests) {
	if (tests.length > 0) console.log(`\n${title}:`)
	for (const { name, reason } of tests) console.log(`  ${name}${reason ? `: ${reason}` : ''}`)
}

/**
 * @param {Sum} sum
 * @param {Sum} more
 */
function add(sum, more) {
	sum.passed += more.passed
	sum.failed.push(...more.failed)
	sum.flaky.push(...more.flaky)
	sum.skipped.push(...more.skipped)
}
