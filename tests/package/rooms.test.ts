import { existsSync, statSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'
import { listFiles, listImports, parse, type Import } from './imports.js'

const lib = fileURLToPath(new URL('../../src/lib/', import.meta.url))

/** What every room may import, and what these may import themselves. */
const foundations: Record<string, string[]> = {
	errors: [],
	clock: [],
	environment: ['esm-env'],
	parts: ['errors', 'clock']
}
const common = [...Object.keys(foundations), 'esm-env']

/**
 * What else a room may import: other rooms, single files of theirs, and packages. Folders are rooms,
 * so are the files at the top; the two faces are one room.
 */
const rooms: Record<string, string[]> = {
	'dev-server': [],
	wire: [],
	contract: [],
	'contract/devalue': ['devalue'],
	produce: ['wire', 'contract', 'dev-server', 'svelte/store'],
	hub: [
		'wire',
		'contract',
		'dev-server',
		// The stream that it hands frames to, what makes one, and what users say about it.
		'produce/stream',
		'produce/producer',
		'produce/emitter',
		'produce/options',
		'produce/types'
	],
	brokers: [
		// The contract, and what all brokers do alike.
		'hub/broker',
		'hub/broker-base',
		'hub/bounds',
		'hub/cursor',
		// The engines' clients. Each broker is an entry of its own, for those who have its client.
		'@nats-io/jetstream',
		'pg',
		'redis'
	],
	link: ['wire', 'contract'],
	'link/decode': ['eventsource-parser'],
	// The reader without Svelte.
	read: ['link', 'contract'],
	// All runes, and what works without a compiler too.
	reactive: ['svelte', 'svelte/reactivity'],
	channel: ['contract', 'link/types', 'reactive', 'svelte'],
	source: ['link', 'channel', 'contract', 'reactive', 'svelte', 'svelte/reactivity'],
	'source/source': ['face'],
	'source/deprecated': ['produce', 'svelte/store'],
	// What users hold: `SseConnection` and `SseChannel`.
	face: ['link', 'channel', 'source', 'contract', 'reactive', 'svelte', 'svelte/store'],
	index: ['face', 'source', 'channel', 'link', 'produce', 'contract'],
	// Published for tests: they look into everything.
	testing: ['*']
}

const faces = /^(connection|channel)\.svelte\.ts$/

describe('src/lib', () => {
	test('has no folder that SvelteKit hides from the client', () => {
		expect(listFiles(lib).filter((file) => /(^|\/)server\//.test(file))).toEqual([])
	})

	test('consists of rooms that stand in the table', () => {
		expect(
			listFiles(lib).filter((file) => !(roomOf(file) in { ...foundations, ...rooms }))
		).toEqual([])
	})

	test('has rooms that import only what the table allows', () => {
		expect(
			listImports(lib)
				.filter((found) => !isAllowed(found))
				.map(describeImport)
		).toEqual([])
	})

	test('has no circle of imports', () => {
		expect(findCircles()).toEqual([])
	})

	test('imports by names that exist when it is compiled', () => {
		const wrong = listImports(lib)
			.filter(({ specifier }) => specifier.startsWith('.'))
			.filter((found) => !/\.(js|svelte)$/.test(found.specifier) || !isFile(targetOf(found)))
		expect(wrong.map(describeImport)).toEqual([])
	})

	test('takes programs of Node only where the code gets there', () => {
		const eager = listImports(lib)
			.filter(({ file }) => !/^testing\//.test(file))
			.filter(({ specifier, typeOnly, lazy }) => /^node:/.test(specifier) && !typeOnly && !lazy)
		expect(eager.map(describeImport)).toEqual([])
	})

	test('asks its clock for the time and for timers, so that a test can drive both', () => {
		const exempt = /^(clock\.ts|parts\/give-way\.ts|testing\/(faults|conformance)\/)/
		expect(
			listFiles(lib)
				.filter((file) => file.endsWith('.ts') && !exempt.test(file))
				.flatMap((file) => timeOf(parse(join(lib, file))).map((what) => `${file}: ${what}`))
		).toEqual([])
	})

	test('needs no package for tests but those that it needs anyway', () => {
		const packages = listImports(lib)
			.filter(({ file }) => file.startsWith('testing/'))
			.filter(({ specifier, typeOnly }) => !typeOnly && !/^(\.|node:)/.test(specifier))
		expect(packages.map(describeImport)).toEqual([])
	})

	test('is called .svelte.ts where a rune is used, and where a user holds what runes have made', () => {
		const wrong = listFiles(lib)
			.filter((file) => file.endsWith('.ts') && !faces.test(file))
			.filter((file) => file.endsWith('.svelte.ts') !== usesRunes(join(lib, file)))
		expect(wrong).toEqual([])
	})
})

function roomOf(file: string): string {
	if (faces.test(file)) return 'face'
	return file.split('/')[0]!.replace(/(\.svelte)?\.ts$/, '')
}

function isAllowed(found: Import): boolean {
	const { file, specifier } = found
	if (specifier.startsWith('node:')) return true
	const own = roomOf(file)
	const allowed = foundations[own] ?? [
		...common,
		...(rooms[own] ?? []),
		...(rooms[file.replace(/\.ts$/, '')] ?? [])
	]
	if (allowed.includes('*')) return true
	if (!specifier.startsWith('.')) return allowed.includes(specifier)
	const target = targetOf(found)
	const room = roomOf(target)
	return room === own || allowed.includes(room) || allowed.includes(target.replace(/\.ts$/, ''))
}

/** The source file behind a relative specifier, as a path within src/lib. */
function targetOf({ file, specifier }: Import): string {
	return normalize(join(dirname(file), specifier)).replace(/\.js$/, '.ts')
}

function isFile(path: string): boolean {
	return existsSync(join(lib, path)) && statSync(join(lib, path)).isFile()
}

function describeImport({ file, specifier }: Import): string {
	return `${file} imports ${specifier}`
}

function usesRunes(path: string): boolean {
	let found = false
	const visit = (node: ts.Node): void => {
		if (ts.isIdentifier(node) && /^\$(state|derived|effect|props|inspect|host)$/.test(node.text)) {
			found = true
		}
		ts.forEachChild(node, visit)
	}
	visit(parse(path))
	return found
}

/** Where a file reads the time or sets a timer of the host's. */
function timeOf(file: ts.SourceFile): string[] {
	const found: string[] = []
	const visit = (node: ts.Node): void => {
		const call = ts.isCallExpression(node) ? node.expression.getText() : ''
		if (/^((globalThis|window|self)\.)?set(Timeout|Interval|Immediate)$/.test(call))
			found.push(call)
		if (/^(Date\.now|performance\.now|AbortSignal\.timeout)$/.test(call)) found.push(call)
		if (ts.isNewExpression(node) && node.getText() === 'new Date()') found.push('new Date()')
		ts.forEachChild(node, visit)
	}
	visit(file)
	return found
}

/**
 * Circles of imports, those of types included: two files that need one another cannot be read, tested or moved alone. A
 * broker and its tail are such a pair, by their types.
 */
function findCircles(): string[] {
	const graph = new Map<string, string[]>()
	for (const found of listImports(lib)) {
		const isPair = found.typeOnly && /^brokers\/\w+-tail\.ts$/.test(found.file)
		if (isPair || found.lazy || !found.specifier.startsWith('.')) continue
		graph.set(found.file, [...(graph.get(found.file) ?? []), targetOf(found)])
	}
	const circles: string[] = []
	const done = new Set<string>()
	const walk = (file: string, trail: string[]): void => {
		if (trail.includes(file)) {
			circles.push([...trail.slice(trail.indexOf(file)), file].join(' → '))
			return
		}
		if (done.has(file)) return
		for (const next of graph.get(file) ?? []) walk(next, [...trail, file])
		done.add(file)
	}
	for (const file of graph.keys()) walk(file, [])
	return circles
}
