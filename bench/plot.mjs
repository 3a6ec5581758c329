// One table as a picture: a bar for each contestant, with a line over the range of its middle half.

import { labelOf } from './contestants/index.mjs'
import { number } from './report.mjs'
import { median, quantile } from './stats.mjs'

/** @import { Table } from './types.js' */

const width = 760
const left = 300
const right = 90
const step = 28
const top = 44

/** @param {Table} table @returns {string} an SVG document, which follows the reader's light or dark scheme */
export function plot(table) {
	const rows = table.rows.filter(({ values }) => values.length > 0)
	const most = Math.max(
		...rows.flatMap(({ values, promised = 0 }) => [quantile(values, 0.75), promised])
	)
	const scale = (/** @type {number} */ value) => (value / most) * (width - left - right)
	const height = top + rows.length * step + 12
	const bars = rows.map((row, index) => {
		const { name, values, promised, isOwn = name.startsWith(table.ours ?? 'ours') } = row
		const y = top + index * step
		const value = median(values)
		const from = left + scale(quantile(values, 0.25))
		const to = left + scale(quantile(values, 0.75))
		const kind = isOwn ? 'own' : 'other'
		const mark = left + scale(promised ?? 0)
		return `	<text class="label" x="${left - 10}" y="${y + 14}">${escape(labelOf(name))}</text>
	<rect class="${kind}" x="${left}" y="${y}" width="${scale(value).toFixed(1)}" height="20" rx="3"/>
	<path class="range" d="M${from.toFixed(1)} ${y + 10}H${to.toFixed(1)}"/>${promised === undefined ? '' : `\n\t<path class="mark" d="M${mark.toFixed(1)} ${y - 3}v26"/>`}
	<text class="value" x="${(Math.max(to, mark, left + scale(value)) + 8).toFixed(1)}" y="${y + 14}">${number(value)}</text>`
	})
	const direction = table.better ? `, ${table.better} is better` : ''
	const title = `${table.title} (${table.unit}${direction})`
	return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escape(title)}">
	<style>
		text { font: 13px system-ui, sans-serif; fill: #333 }
		.title { font-weight: 600; font-size: 15px }
		.label { text-anchor: end }
		.own { fill: #ff3e00 }
		.other { fill: #9aa5b1 }
		.range { stroke: #333; stroke-opacity: 0.6; stroke-width: 2 }
		.mark { stroke: #333; stroke-width: 2 }
		@media (prefers-color-scheme: dark) {
			text { fill: #ddd }
			.other { fill: #66727f }
			.range, .mark { stroke: #ddd }
		}
	</style>
	<text class="title" x="10" y="22">${escape(title)}</text>
${bars.join('\n')}
</svg>
`
}

/** @param {string} text */
function escape(text) {
	return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/"/g, '&quot;')
}
