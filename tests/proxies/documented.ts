import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { extract } from '../types/markdown/extract.js'

const file = fileURLToPath(new URL('../../docs/deploying.md', import.meta.url))

/** What stands in a configuration, and what stands there instead. */
export type Change = readonly [from: string | RegExp, to: string]

/** The configuration whose first line is a comment with this name, with other addresses and ports. */
export function documented(name: string, addresses: readonly Change[]): string {
	const found = extract(file).find(({ code }) => commentOf(code) === name)
	if (!found)
		throw new Error(`docs/deploying.md has no configuration that begins with "# ${name}".`)
	return change(found.code, addresses)
}

/** Changes a configuration; throws if it lacks what is to be changed. */
export function change(config: string, changes: readonly Change[]): string {
	return changes.reduce((text, [from, to]) => {
		const changed = text.replaceAll(from, to)
		if (changed === text) throw new Error(`"${from}" is not in this configuration:\n${text}`)
		return changed
	}, config)
}

function commentOf(code: string): string | undefined {
	return /^(?:#|\/\/) (.*)/.exec(code)?.[1]
}

/** After how many heartbeats the server notices that a client left, by proxy and protocol, as the table says. */
export function documentedHeartbeats(protocol: 'HTTP/1.1' | 'HTTP/2'): Map<string, number> {
	const rows = readFileSync(file, 'utf8')
		.split('\n')
		.filter((line) => line.startsWith('|'))
		.map((line) => line.split('|').map((cell) => cell.trim()))
	const head = rows.findIndex((cells) => cells.includes(protocol))
	const column = rows[head]!.indexOf(protocol)
	return new Map(rows.slice(head + 2).map((cells) => [nameOf(cells[1]!), Number(cells[column])]))
}

/** What a cell says, without its link. */
function nameOf(cell: string): string {
	return cell.replace(/^\[(.*)\].*$/, '$1')
}
