// The tables of measurements in the documents: the ratios in the project's README, the profiles in this folder's.

import { readFileSync, writeFileSync } from 'node:fs'
import { markdown, number, ownRow, ratio } from './report.mjs'

/** @import { Table } from './types.js' */

const begin = '<!-- measured -->'
const end = '<!-- /measured -->'

/** Who is shown, and under which head; of several the first that took part. @type {[head: string, ...names: string[]][]} */
const columns = [
	['raw bytes', 'raw-whole', 'raw', 'feed'],
	['bare `Response`', 'bare'],
	['sveltekit-sse 0.14', 'sveltekit-sse-0.14'],
	['better-sse', 'better-sse-channel', 'better-sse-fetch'],
	['Hono', 'hono'],
	['`query.live`', 'query-live']
]
const shown = [
	'bursts',
	'ticks',
	'single',
	'large',
	'fan-out-1000',
	'fan-out-10000',
	'fan-out-10-events',
	'replay',
	'accept',
	'idle-heap',
	'slow-reader',
	'read-1k',
	'read-64k',
	'browser-current',
	'browser-channels'
]
/** Where one write for each event, not one for all, is what there is to compare with. */
const perEvent = ['single', 'fan-out-1000', 'fan-out-10000', 'fan-out-10-events']

/** How many times as fast this library is, or as sparing, next to each of the others. @param {Table[]} tables */
export function summary(tables) {
	const rows = shown.flatMap((name) => {
		const table = tables.find((table) => table.name === name)
		return table ? [[table.title, ...columns.map(([, ...names]) => cell(table, names))]] : []
	})
	return markdown(['', ...columns.map(([head]) => head)], rows)
}

/** @param {Table} table @param {string[]} names */
function cell(table, names) {
	const own = ownRow(table)
	const wanted = perEvent.includes(table.name)
		? names.filter((name) => name !== 'raw-whole')
		: names
	const other = wanted
		.map((name) => table.rows.find((row) => row.name === name))
		.find((row) => row && row.values.length > 0)
	if (!own || !other) return ''
	const isLess = table.better === 'less'
	return `${number(isLess ? ratio(other.values, own.values) : ratio(own.values, other.values))} ×`
}

/**
 * Puts what was measured between its marks in a document.
 *
 * @param {string} file relative to this folder
 * @param {string} text
 */
export function writeInto(file, text) {
	const url = new URL(file, import.meta.url)
	const before = readFileSync(url, 'utf8')
	const from = before.indexOf(begin)
	const to = before.indexOf(end)
	if (from < 0 || to < from) throw new Error(`${file} has lost its marks: ${begin} and ${end}`)
	writeFileSync(url, `${before.slice(0, from + begin.length)}\n${text}\n${before.slice(to)}`)
}
