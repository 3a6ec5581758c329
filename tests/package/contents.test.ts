import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import ts from 'typescript'
import { describe, expect, inject, test } from 'vitest'
import { entries } from '../../scripts/entries.mjs'
import { listFiles, listImports, parse } from './imports.js'

const { library } = inject('packed')
const files = listFiles(library)

describe('the tarball', () => {
	test('holds the library and its papers, no tests, no demo', () => {
		const strangers = files.filter(
			(file) => !/^(dist\/.*|package\.json|(README|CHANGELOG)\.md|LICENSE)$/.test(file)
		)
		const misplaced = files.filter((file) =>
			/\.(test|spec|bench)\.|^dist\/(routes|demo)\//.test(file)
		)
		expect({ strangers, misplaced }).toEqual({ strangers: [], misplaced: [] })
	})

	test('has what every entry promises', () => {
		const promised = entries().flatMap(({ dist, types }) => [dist, types])
		expect(promised.filter((file) => !files.includes(file))).toEqual([])
	})

	test('has declarations beside every module', () => {
		const modules = files.filter((file) => file.endsWith('.js'))
		expect(modules.length).toBeGreaterThan(0)
		expect(modules.filter((file) => !files.includes(file.replace(/\.js$/, '.d.ts')))).toEqual([])
	})

	test('has modules that parse', () => {
		const broken = files
			.filter((file) => /\.[jt]s$/.test(file))
			.flatMap((file) => syntaxErrors(join(library, file)))
		expect(broken).toEqual([])
	})

	// svelte-package copies `.ts` specifiers into the modules as they are, and no linter of packages
	// follows them.
	test('imports only files that are in it, by names that Node resolves', () => {
		const dangling = listImports(library)
			.filter(({ specifier }) => specifier.startsWith('.'))
			.filter(({ file, specifier }) => {
				const target = join(library, dirname(file), specifier)
				return !/\.(js|svelte)$/.test(specifier) || !existsSync(target)
			})
		expect(dangling).toEqual([])
	})

	test('imports only packages that package.json names', () => {
		const { name, dependencies, peerDependencies } = readPackage()
		const known = [name, ...Object.keys({ ...dependencies, ...peerDependencies })]
		const unknown = listImports(library)
			.filter(({ specifier }) => !specifier.startsWith('.') && !specifier.startsWith('node:'))
			.filter(({ specifier }) => !known.includes(packageOf(specifier)))
		expect(unknown).toEqual([])
	})

	// svelte-package puts relative paths in place of aliases, in comments too.
	test('shows no path of its own in an example', () => {
		const shown = files
			.filter((file) => /\.[jt]s$/.test(file))
			.flatMap((file) =>
				readFileSync(join(library, file), 'utf8')
					.matchAll(/^\s*\*.* from ['"](\.[^'"]*)['"]/gm)
					.map(([, specifier]) => join(dirname(file), specifier!.replace(/\.ts$/, '.js')))
					.filter((target) => files.includes(target))
					.map((target) => `${file} shows ${target}`)
					.toArray()
			)
		expect(shown).toEqual([])
	})
})

function readPackage() {
	return JSON.parse(readFileSync(join(library, 'package.json'), 'utf8'))
}

function packageOf(specifier: string): string {
	return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
}

function syntaxErrors(path: string): string[] {
	const source = parse(path) as ts.SourceFile & { parseDiagnostics: ts.Diagnostic[] }
	return source.parseDiagnostics.map(
		({ messageText }) => `${path}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`
	)
}
