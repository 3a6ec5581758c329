// The report: tables in Markdown, a plot beside each, and on top what had to be reached.

import { availableParallelism } from 'node:os'
import { labelOf } from './contestants/index.mjs'
import { median, spread } from './stats.mjs'

/** @import { Row, Table, Target } from './types.js' */

/**
 * @param {Table[]} tables
 * @param {{ quick: boolean, minutes: number, missing: string[] }} run
 */
export function report(tables, { quick, minutes, missing }) {
	return [
		'# Report',
		`Written by \`npm run bench${quick ? ' -- --quick' : ''}\` in ${minutes.toFixed(0)} minutes, on Node ` +
			`${process.versions.node}, ${process.platform}, ${availableParallelism()} cores. What the rows mean and how they are ` +
			'measured is in [README.md](./README.md). Values are medians; ± is the range of the middle half, as a share of the ' +
			'median. Ratios are taken within each round of measurements, and are medians too. Compare ratios, not values: those ' +
			'depend on the machine, and on what else it did.',
		'## Targets',
		targets(tables),
		...(missing.length > 0
			? ['## Not measured', missing.map((reason) => `- ${reason}`).join('\n')]
			: []),
		...tables.flatMap(section)
	].join('\n\n')
}

/** @param {Table[]} tables */
function targets(tables) {
	const rows = tables.flatMap((table) =>
		table.targets.map((target) => {
			const { against, of, atLeast, atMost = Infinity } = target
			const reached = measured(table, target)
			const unit = against ? ' ×' : unitOf(table, of)
			const isMet = atLeast === undefined ? reached <= atMost : reached >= atLeast
			return [
				table.title,
				against ? labelOf(against) : (of ?? '–'),
				atLeast === undefined ? `≤ ${atMost}${unit}` : `≥ ${atLeast}${unit}`,
				Number.isNaN(reached) ? 'not measured' : `${number(reached)}${unit}`,
				Number.isNaN(reached) ? '' : isMet ? 'yes' : '**no**',
				byProcessor(table, target),
				noise(table)
			]
		})
	)
	return markdown(
		[
			'workload',
			'measured against',
			'must reach',
			'reached',
			'met',
			'by processor time',
			'the noise'
		],
		rows
	)
}

/** @param {Table} table @param {string} [column] */
function unitOf({ unit }, column) {
	return column === undefined ? ` ${unit}` : column.endsWith(' ms') ? ' ms' : ''
}

/** The same ratio without what other processes took of the machine. @param {Table} table @param {Target} target */
function byProcessor(table, { against }) {
	const own = ownRow(table)?.costs
	const other = against && table.rows.find(({ name }) => name === against)?.costs
	return own && other ? `${number(ratio(other, own))} ×` : '–'
}

/** What the same contestant makes of being measured twice. @param {Table} table */
function noise(table) {
	const own = ownRow(table)
	const again = table.rows.find(({ name }) => name === `${own?.name} again`)
	return own && again ? `${number(ratio(own.values, again.values))} ×` : '–'
}

/** @param {Table} table @param {Target} target */
function measured(table, target) {
	const own = ownRow(table)
	if (!own) return NaN
	const values = target.of === undefined ? own.values : (own.more?.[target.of] ?? [])
	if (!target.against) return median(values)
	const other = table.rows.find(({ name }) => name === target.against)
	return other ? ratio(values, other.values) : NaN
}

/** @param {Table} table */
export function ownRow(table) {
	return table.rows.find(({ name }) => name === (table.ours ?? 'ours'))
}

/** @param {number[]} values @param {number[]} others */
export function ratio(values, others) {
	return median(values.map((value, index) => value / (others[index] ?? NaN)))
}

/** @param {Table} table */
function section(table) {
	const own = ownRow(table)
	const extra = [...new Set(table.rows.flatMap(({ more }) => Object.keys(more ?? {})))]
	const hasCosts = table.rows.some(({ costs }) => costs)
	const headers = [
		'',
		table.unit,
		'±',
		'this library is',
		...(hasCosts ? ['CPU µs', 'CPU ratio'] : []),
		...extra
	]
	const rows = [...table.rows].map((row) => [
		labelOf(row.name),
		number(median(row.values)),
		row.values.length > 2 ? `${(spread(row.values) * 100).toFixed(0)} %` : '',
		own && row !== own ? `${number(ratio(own.values, row.values))} ×` : '',
		...(hasCosts
			? [
					row.costs ? number(median(row.costs)) : '',
					own?.costs && row.costs && row !== own ? `${number(ratio(own.costs, row.costs))} ×` : ''
				]
			: []),
		...extra.map((key) => (row.more?.[key] ? number(median(row.more[key])) : ''))
	])
	return [
		`## ${table.title}`,
		table.text,
		`![${table.title}](./plots/${table.name}.svg)`,
		markdown(headers, rows)
	]
}

/** @param {string[]} headers @param {string[][]} rows */
export function markdown(headers, rows) {
	const line = (/** @type {string[]} */ cells) => `| ${cells.join(' | ')} |`
	const rule = headers.map((_, index) => (index === 0 ? '---' : '--:'))
	return [line(headers), line(rule), ...rows.map(line)].join('\n')
}

/** Three digits, which is more than the noise allows. @param {number} value */
export function number(value) {
	if (Number.isNaN(value)) return '–'
	if (value === 0) return '0'
	const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))))
	const rounded = digits > 0 ? value : +value.toPrecision(3)
	return rounded.toLocaleString('en', {
		maximumFractionDigits: Math.min(digits, 4),
		minimumFractionDigits: 0
	})
}
