import { existsSync, statSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'
import { listFiles, listImports, parse, type Import } from './imports.js'

const lib = fileURLToPath(new URL('../../src/lib/', import.meta.url))

/**
 * What a room may import: other rooms, single files of theirs, and packages. Folders are rooms, so are
 * the files at the top; the reactive skin is one room of several files.
 */
const rooms: Record<string, string[]> = {
	clock: [],
	environment: ['esm-env'],
	errors: [],
	wire: ['errors'],
	contract: ['errors', 'environment', 'esm-env'],
	'contract/devalue': ['devalue'],
	produce: ['wire', 'contract', 'errors', 'clock', 'environment', 'svelte/store'],
	hub: [
		'wire',
		'contract',
		'errors',
		'clock',
		'environment',
		'esm-env',
		// The stream that it hands frames to, and nothing of how `produce` is put together.
		'produce/stream',
		'produce/types'
	],
	// The contract, and what all brokers do alike.
	brokers: ['hub/broker', 'hub/broker-base', 'hub/bounds', 'hub/cursor', 'errors', 'clock'],
	link: ['wire', 'contract', 'errors', 'clock', 'environment', 'esm-env'],
	'link/decode': ['eventsource-parser'],
	tabs: ['link', 'errors', 'clock', 'environment'],
	skin: [
		// What may be written on the wire as a name or an id: the same rules on both sides.
		'wire/encode',
		'link',
		'tabs',
		'contract',
		'errors',
		'clock',
		'environment',
		'esm-env',
		'svelte',
		'svelte/reactivity',
		'svelte/store'
	],
	index: ['skin', 'produce', 'contract', 'errors'],
	// Published for tests and for developers: they look into everything.
	testing: ['*'],
	inspector: ['*']
}

const skin = /^(source(-[a-z]+)?\.ts|channel\/.*|.*\.svelte(\.ts)?)$/

describe('src/lib', () => {
	test('has no folder that SvelteKit hides from the client', () => {
		expect(listFiles(lib).filter((file) => /(^|\/)server\//.test(file))).toEqual([])
	})

	test('consists of rooms that stand in the table', () => {
		expect(listFiles(lib).filter((file) => !(roomOf(file) in rooms))).toEqual([])
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

	test('is called .svelte.ts exactly where a rune is used', () => {
		const wrong = listFiles(lib)
			.filter((file) => file.endsWith('.ts'))
			.filter((file) => file.endsWith('.svelte.ts') !== usesRunes(join(lib, file)))
		expect(wrong).toEqual([])
	})
})

function roomOf(file: string): string {
	if (skin.test(file)) return 'skin'
	return file.split('/')[0]!.replace(/\.ts$/, '')
}

function isAllowed(found: Import): boolean {
	const { file, specifier } = found
	if (specifier.startsWith('node:')) return true
	const own = roomOf(file)
	const allowed = [...(rooms[own] ?? []), ...(rooms[file.replace(/\.ts$/, '')] ?? [])]
	if (allowed.includes('*')) return true
	// The public surface names types of every room that has public ones.
	if (own === 'index' && found.typeOnly) return true
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

/** Circles of imports that stay after compiling: in them, the order of loading decides what works. */
function findCircles(): string[] {
	const graph = new Map<string, string[]>()
	for (const found of listImports(lib)) {
		if (found.typeOnly || found.lazy || !found.specifier.startsWith('.')) continue
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
