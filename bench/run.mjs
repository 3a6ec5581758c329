// npm run bench: measures everything; writes bench/report.md, its plots, and the table of ratios in README.md.
// npm run bench -- --quick: less of it, in under four minutes; README.md stays as it is.
// npm run bench -- --only ticks,single --with ours,raw: some workloads and contestants, shown and not written.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { build } from './build.mjs'
import { plot } from './plot.mjs'
import { summary, writeInto } from './readme.mjs'
import { report } from './report.mjs'
import { workloads } from './workloads/index.mjs'

/** @import { Table } from './types.js' */

const { values: given } = parseArgs({
	options: {
		quick: { type: 'boolean', default: false },
		only: { type: 'string' },
		with: { type: 'string' },
		repeats: { type: 'string' },
		time: { type: 'string' }
	}
})
const { quick } = given
const wanted = given.only?.split(',')
const contestants = given.with?.split(',')
const options = {
	quick,
	repeats: Number(given.repeats ?? (quick ? 3 : 9)),
	time: Number(given.time ?? (quick ? 80 : 150)),
	only: (/** @type {string} */ name) => !contestants || contestants.includes(name)
}

const start = performance.now()
await build()

/** @type {Table[]} */
const tables = []
/** What could not be measured here, and why. @type {string[]} */
const missing = []
for (const workload of workloads) {
	if (wanted ? !wanted.includes(workload.name) : quick && workload.quick === false) continue
	const from = performance.now()
	try {
		tables.push(await workload.run(options))
	} catch (error) {
		// One that cannot be measured here, for want of sockets for one, must not cost the others.
		console.error(`${workload.name}: ${error instanceof Error ? error.stack : error}`)
		missing.push(`${workload.name}: ${error instanceof Error ? error.message : error}`)
	}
	console.log(`${workload.name.padEnd(20)} ${((performance.now() - from) / 1_000).toFixed(1)} s`)
}
const minutes = (performance.now() - start) / 60_000
const text = report(tables, { quick, minutes, missing })
if (wanted || contestants) {
	console.log(`\n${text}`)
} else {
	const folder = new URL('.', import.meta.url)
	rmSync(new URL('plots', folder), { recursive: true, force: true })
	mkdirSync(new URL('plots', folder), { recursive: true })
	for (const table of tables) writeFileSync(new URL(`plots/${table.name}.svg`, folder), plot(table))
	writeFileSync(new URL('report.md', folder), `${text}\n`)
	// What the README claims is what a full run has shown.
	if (!quick) writeInto('../README.md', summary(tables))
	console.log(`\n${summary(tables)}`)
	console.log(
		`\nWritten: bench/report.md, bench/plots${quick ? '' : ' and the table in README.md'}`
	)
}
