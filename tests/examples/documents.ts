import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Major } from '../../scripts/kit.mjs'
import { extract, type Snippet } from '../types/markdown/extract.js'

// The examples of a document are one app. An example whose first line names a path is that file. Any other is a
// fragment: a file of tests/examples/apps/<document> says where it goes, by a line with its first line. A line that
// ends with `// SvelteKit 2` or `// SvelteKit 3`, and a file whose path is followed by that, is for one major only.

const root = fileURLToPath(new URL('../../', import.meta.url))
const apps = fileURLToPath(new URL('apps/', import.meta.url))

/** Blocks in other languages, such as commands and configurations of servers, are no part of an app. */
const languages = ['ts', 'js', 'svelte', 'html', 'jsonc']

const pathLine =
	/^(?:\/\/|<!--) ((?:src|hub)\/\S+\.\w+|wrangler\.jsonc)(?:, SvelteKit ([23]))?(?: -->)?$/
const majorLine = /\s*(?:\/\/|<!--) SvelteKit ([23])(?: -->)?$/
const markerLine = /^[ \t]*(?:\/\/|<!--) @fragment (.*?)(?: -->)?$/m

/** The app that a document describes. */
export interface Documented {
	/** Its files by their paths; of a path that several examples name, the first. */
	files: Map<string, string>
	/** Paths that several examples name, with what each of them puts there. */
	alternatives: Map<string, string[]>
	/** The files that are examples, or hold one. */
	shown: string[]
}

/** The document whose app needs another adapter than the others; the tests of hosts build it. */
export const cloudflare = join('docs', 'cloudflare.md')

export const documents = [
	'README.md',
	...globSync('docs/*.md', { cwd: root, exclude: [cloudflare] }).sort()
]

/**
 * Puts the examples of a document together.
 *
 * @throws if an example is neither a whole file nor a fragment, or if a place for a fragment stays empty
 */
export function documented(
	document: string,
	major: Major,
	text = readFileSync(`${root}${document}`, 'utf8')
): Documented {
	const surroundings = readSurroundings(document)
	const result: Documented = { files: surroundings, alternatives: new Map(), shown: [] }
	const strangers: string[] = []
	for (const snippet of extract(document, text)) {
		if (!languages.includes(snippet.language)) continue
		const [, path, only] = pathLine.exec(firstLine(snippet)) ?? []
		const code = forMajor(snippet.code, major)
		if (!path) strangers.push(...fill(surroundings, result.shown, { ...snippet, code }))
		else if (!only || Number(only) === major) put(result, path, code)
	}
	const empty = [...surroundings].filter(([, text]) => markerLine.test(text))
	const faults = [
		...strangers.map((place) => `${document}:${place}: neither a whole file nor a fragment.`),
		...empty.map(([path]) => `${document}: no example for the place in ${path}.`)
	]
	if (faults.length > 0) {
		throw new Error(
			`${faults.join('\n')}\nAn example begins with its path ("// src/…" or "<!-- src/… -->"), or a file of ` +
				`tests/examples/apps/${nameOf(document)} has a line "// @fragment" with the first line of the example.`
		)
	}
	return result
}

/** The file that an example begins to be by its path. */
export function fileOf(document: string, path: string, major: Major): string {
	const code = documented(document, major).files.get(path)
	if (code === undefined) throw new Error(`${document} has no example ${path}.`)
	return code
}

function put({ files, alternatives, shown }: Documented, path: string, code: string): void {
	const before = shown.includes(path) && files.get(path)
	if (before) alternatives.set(path, [...(alternatives.get(path) ?? [before]), code])
	else files.set(path, code)
	if (!before) shown.push(path)
}

/** Puts a fragment into its place. Returns the line of a fragment that has none. */
function fill(files: Map<string, string>, shown: string[], snippet: Snippet): string[] {
	for (const [path, text] of files) {
		const place = text.split('\n').find((line) => markerLine.exec(line)?.[1] === firstLine(snippet))
		if (place === undefined) continue
		files.set(
			path,
			text.replace(place, () => snippet.code.trimEnd())
		)
		shown.push(path)
		return []
	}
	return [String(snippet.line)]
}

function readSurroundings(document: string): Map<string, string> {
	const files = new Map<string, string>()
	for (const folder of ['common', nameOf(document)]) {
		const cwd = `${apps}${folder}`
		for (const entry of globSync('**/*', { cwd, withFileTypes: true })) {
			if (!entry.isFile()) continue
			const file = `${entry.parentPath}/${entry.name}`
			files.set(file.slice(cwd.length + 1).replaceAll('\\', '/'), readFileSync(file, 'utf8'))
		}
	}
	return files
}

function forMajor(code: string, major: Major): string {
	return code
		.split('\n')
		.filter((line) => Number(majorLine.exec(line)?.[1] ?? major) === major)
		.join('\n')
}

function firstLine({ code }: Snippet): string {
	return code.slice(0, code.indexOf('\n')).trim()
}

function nameOf(document: string): string {
	return basename(document, '.md').toLowerCase()
}
