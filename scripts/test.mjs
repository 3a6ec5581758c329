// npm test: installs the packages of the lock file, runs the parts that a contributor needs, several at a time, and ends
// with one line of sums. npm run test:all: every part. npm run test:<part>: one part; what follows `--` narrows it down.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureBrowser } from './browser.mjs'
import { ensureInstalled, tool } from './install.mjs'
import { add, nothing, parts } from './parts.mjs'
import { fail, onStop, stopChildren } from './process.mjs'
import { runParts } from './run-parts.mjs'
import { ensure, mayInstallHere } from './system.mjs'

/** @typedef {import('./count-reporter.mjs').Sum} Sum */

const minute = 60_000
/** When everything has to be over: what hangs must not keep the sum from being said. */
const deadline = Date.now() + 29 * minute
/** Parts that run at a time. Most of a part's time is spent waiting, so there are more of them than cores. */
const lanes = 4

const given = process.argv.slice(2)
// Said by a variable from here on, so that the workers that look for programs hear of it too.
if (given.includes('--install')) process.env.INSTALL_PROGRAMS = '1'
const [name = 'quick', ...args] = given.filter((arg) => arg !== '--install')
if (!(name in parts) && name !== 'quick' && name !== 'all') {
	fail(`There is no part ${name}. The parts are: ${Object.keys(parts).join(', ')}.`)
}
const chosen = Object.entries(parts).filter(([part, { all }]) =>
	name === 'quick' ? !all : name === 'all' || part === name
)

const work = mkdtempSync(join(tmpdir(), 'sveltekit-sse-test-'))
onStop(() => {
	stopChildren()
	rmSync(work, { recursive: true, force: true, maxRetries: 5 })
	process.exit(130)
})

await ensureInstalled()
const { code } = await tool('@sveltejs/kit/svelte-kit.js', ['sync'])
if (code !== 0) fail('svelte-kit sync failed, see above.')
const noBrowser = await findPrograms()

const start = performance.now()
const able = chosen.map(([part, description]) => [
	part,
	noBrowser && description.browser ? { steps: [skip(part, noBrowser)] } : description
])
const results = await runParts(Object.fromEntries(able), { deadline, lanes, work, args })
rmSync(work, { recursive: true, force: true })
summarize()

/**
 * Finds, once for all workers, or installs what the chosen parts use.
 *
 * @returns {Promise<string | undefined>} why there is no Chromium, if parts need it
 */
async function findPrograms() {
	/** @type {string | undefined} */
	let noBrowser
	if (chosen.some(([, { browser }]) => browser)) {
		try {
			process.env.CHROMIUM_PATH = await ensureBrowser()
		} catch (error) {
			noBrowser = error instanceof Error ? error.message : String(error)
			// Where it could have been installed, as on CI, a run without it would say too little.
			if (mayInstallHere()) fail(noBrowser)
			console.log(noBrowser)
		}
	}
	// One after the other: an installation locks out the next one. Tests skip by name what is still missing.
	for (const program of new Set(chosen.flatMap(([, { programs = [] }]) => programs))) {
		const { reason } = await ensure(program)
		if (reason) console.log(`  ${reason}`)
	}
	return noBrowser
}

/**
 * @param {string} name
 * @param {string} reason
 * @returns {import('./parts.mjs').Step}
 */
function skip(name, reason) {
	return async () => ({ sum: { ...nothing(), skipped: [{ name, reason }] }, output: '' })
}

/** What matters most comes last: of a long output the end is read first, and often kept alone. */
function summarize() {
	const total = nothing()
	for (const { sum } of Object.values(results)) add(total, sum)
	console.log('\n━━ summary')
	list('Skipped', total.skipped)
	list('Flaky, passed when run again', total.flaky)
	list('Failed', total.failed)
	console.log('')
	for (const [part] of chosen) {
		const { sum, seconds } = /** @type {import('./run-parts.mjs').Result} */ (results[part])
		console.log(`${part.padEnd(10)} ${seconds.toFixed(1).padStart(6)} s  ${describe(sum)}`)
	}
	if (total.passed + total.failed.length === 0) console.log('\nNothing ran.')
	const minutes = ((performance.now() - start) / minute).toFixed(1)
	console.log(`\n${describe(total)}, in ${minutes} minutes`)
	process.exitCode = total.failed.length > 0 || total.passed === 0 ? 1 : 0
}

/** @param {Sum} sum */
function describe({ passed, failed, skipped }) {
	const counts = `${passed} passed, ${failed.length} failed`
	return skipped.length > 0 ? `${counts}, ${skipped.length} skipped` : counts
}

/**
 * @param {string} title
 * @param {import('./count-reporter.mjs').Named[]} tests
 */
function list(title, tests) {
	if (tests.length > 0) console.log(`\n${title}:`)
	for (const { name, reason } of tests) console.log(`  ${name}${reason ? `: ${reason}` : ''}`)
}
