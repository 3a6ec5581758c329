// The parts of the tests: what each runs, and what has to be there first.

import { mkdtempSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { vitestOnFloor } from './floor.mjs'
import { tool } from './install.mjs'
import { missingRegistry } from './registry.mjs'

/**
 * @typedef {import('./count-reporter.mjs').Named} Named
 * @typedef {import('./count-reporter.mjs').Sum} Sum
 *
 * @typedef {object} Context
 * @property {string} work a folder for files of this run
 * @property {() => number} left what is left of the time that the run may take, in ms
 * @property {string[]} args what narrows a single part down; for Vitest a file name or -t
 * @property {boolean} whole whether several parts run, and not one that somebody works on
 * @property {boolean} quiet gathers the output instead of showing it
 *
 * @typedef {(context: Context) => Promise<{ sum: Sum, output: string }>} Step
 *
 * @typedef {object} Part
 * @property {Step[]} steps
 * @property {boolean} [all] whether only `npm run test:all` runs it, and `npm test` does not
 * @property {boolean} [browser] whether it needs Chromium
 * @property {import('./system.mjs').ProgramName[]} [programs] programs that its tests use; without them tests skip by name
 */

const engines = /** @type {const} */ (['redis-server', 'nats-server', 'initdb'])
const proxies = /** @type {const} */ ([
	'nginx',
	'haproxy',
	'varnishd',
	'lighttpd',
	'apache2',
	'caddy',
	'h2o'
])
const otherBrowsers = /** @type {const} */ (['firefox', 'WebKitWebDriver', 'Xvfb'])

/**
 * The order is that in which they begin: several run at a time, so those that take longest come first.
 *
 * @type {Record<string, Part>}
 */
export const parts = {
	examples: {
		all: true,
		steps: [vitest('examples', 1)],
		browser: true,
		programs: [...engines]
	},
	resilience: {
		all: true,
		steps: [vitest('resilience', 1)],
		browser: true,
		programs: ['nginx']
	},
	e2e: { steps: [vitest('e2e', 1)], browser: true },
	'e2e-kit3': { all: true, steps: [vitest('e2e-kit3', 1)], browser: true },
	hosts: { all: true, steps: [vitest('hosts', 1)], programs: ['redis-server'] },
	compat: { all: true, steps: [vitest('compat', 1)], browser: true },
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
			vitest('types')
		]
	},
	unit: {
		steps: [vitest('unit', 1), vitest('jsdom')],
		programs: ['nginx']
	},
	brokers: { all: true, steps: [vitest('brokers', 1)], programs: [...engines] },
	browsers: {
		all: true,
		steps: [vitest('browsers', 1)],
		browser: true,
		programs: [...otherBrowsers, 'nginx']
	},
	lint: {
		steps: [
			check('eslint', 'eslint/bin/eslint.js', ['--max-warnings', '0'], '.'),
			check('prettier', 'prettier/bin/prettier.cjs', ['--check', '--log-level', 'warn'], '.')
		]
	},
	clusters: { all: true, steps: [vitest('clusters', 1)], programs: [...engines, 'nginx'] },
	floor: {
		all: true,
		steps: [onFloor('browser'), onFloor('jsdom'), onFloor('unit'), onFloor('brokers')],
		browser: true,
		programs: [...engines]
	},
	package: { steps: [vitest('package')] },
	proxies: { all: true, steps: [vitest('proxies', 1)], programs: [...proxies] },
	browser: { steps: [vitest('browser', 1), vitest('browser-async', 1)], browser: true }
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
	return async ({ args, left, quiet }) => {
		const targets = args.length > 0 || !everything ? args : [everything]
		const { code, output } = await tool(bin, [...options, ...targets], {
			timeout: left(),
			quiet
		})
		const sum = code === 0 ? { ...nothing(), passed: 1 } : { ...nothing(), failed: [{ name }] }
		return { sum, output: `· ${name}\n${output}  ${name} ${code === 0 ? 'passed' : 'failed'}\n` }
	}
}

/**
 * The tests of one Vitest project.
 *
 * @param {string} project
 * @param {number} [retries] how often a whole run gives a test that failed another try: where
 * real servers and browsers share a busy machine, and only with the failure told in the summary
 * @returns {Step}
 */
function vitest(project, retries = 0) {
	return counted(project, retries, (args, { work: _, left, ...options }) =>
		tool('vitest/vitest.mjs', args, { ...options, timeout: left() })
	)
}

/**
 * Tests of one Vitest project on the lowest versions of other packages that this one claims to work with.
 *
 * @param {string} project
 * @returns {Step}
 */
function onFloor(project) {
	const step = counted(project, 1, vitestOnFloor)
	return async (context) => {
		const reason = await missingRegistry()
		if (!reason) return step(context)
		const name = `${project} on the lowest versions`
		return { sum: { ...nothing(), skipped: [{ name, reason }] }, output: '' }
	}
}

/**
 * @param {string} project
 * @param {number} retries
 * @param {(args: string[], options: { env: NodeJS.ProcessEnv, left: () => number, quiet: boolean, work: string })
 * 	=> Promise<{ code: number, output: string }>} start runs Vitest
 * @returns {Step}
 */
function counted(project, retries, start) {
	return async ({ args, left, quiet, whole, work }) => {
		// Two parts may run tests of one project at a time.
		const file = join(mkdtempSync(join(work, `${project}-`)), 'count.json')
		const options = [
			'run',
			'--project',
			project,
			'--reporter=default',
			'--reporter=./scripts/count-reporter.mjs',
			'--passWithNoTests'
		]
		// A single part is run to see what fails in it. A whole run also says which tests it had to run again.
		const more = whole ? [`--retry=${retries}`] : args
		const { code, output } = await start([...options, ...more], {
			env: { TEST_COUNT_FILE: file },
			left,
			quiet,
			work
		})
		const { done, ...sum } = readCount(file)
		if (!done) sum.failed.push({ name: project, reason: 'did not run to its end' })
		// Vitest may fail for a reason that belongs to no test, a global set-up for one.
		else if (sum.failed.length === 0 && code !== 0) sum.failed.push({ name: project })
		return { sum, output }
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
export function nothing() {
	return { passed: 0, failed: [], flaky: [], skipped: [] }
}

/**
 * @param {Sum} sum
 * @param {Sum} more
 */
export function add(sum, more) {
	sum.passed += more.passed
	sum.failed.push(...more.failed)
	sum.flaky.push(...more.flaky)
	sum.skipped.push(...more.skipped)
}
