import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { describe, expect, inject, test } from 'vitest'
import { entries } from '../../scripts/entries.mjs'

const { app, library } = inject('packed')

describe('a program that imports every entry', () => {
	const file = join(app, 'consumer.ts')
	const names = entries().map(({ name }) => name)
	writeFileSync(
		file,
		names.map((name, index) => `export * as entry${index} from '${name}'\n`).join('')
	)

	test.for([
		['a bundler', ts.ModuleKind.ESNext, ts.ModuleResolutionKind.Bundler],
		['Node', ts.ModuleKind.NodeNext, ts.ModuleResolutionKind.NodeNext]
	] as const)('type-checks strictly as %s resolves', ([, module, moduleResolution]) => {
		const program = ts.createProgram([file], {
			lib: ['lib.esnext.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
			module,
			moduleResolution,
			noEmit: true,
			strict: true,
			target: ts.ScriptTarget.ESNext,
			// Users have not necessarily the types of Node.
			types: []
		})
		// Errors inside the packages of others are not ours.
		const errors = ts
			.getPreEmitDiagnostics(program)
			.filter((error) => !error.file || error.file.fileName.startsWith(app))
			.map((error) => ts.formatDiagnostic(error, formatHost))
		expect(errors).toEqual([])
	})
})

/**
 * The public surface, as users see it. A change here is a change for them: it belongs into the
 * CHANGELOG, and `npm run test:package -- -u` writes it down.
 */
describe('the exports', () => {
	const program = ts.createProgram(
		entries().map(({ types }) => join(library, types)),
		{
			module: ts.ModuleKind.NodeNext,
			moduleResolution: ts.ModuleResolutionKind.NodeNext,
			skipLibCheck: true,
			types: []
		}
	)

	test.for(entries())('of $name are the ones we promised', async ({ name, types }) => {
		const checker = program.getTypeChecker()
		const file = program.getSourceFile(join(library, types))!
		const symbol = checker.getSymbolAtLocation(file)
		const exported = symbol ? checker.getExportsOfModule(symbol) : []
		const lines = exported.map((item) => `${kindOf(item, checker)} ${item.name}\n`).sort()
		const snapshot = name.replaceAll('/', '-')
		await expect(lines.join('')).toMatchFileSnapshot(`exports/${snapshot}.txt`)
	})
})

function kindOf(symbol: ts.Symbol, checker: ts.TypeChecker): string {
	const { flags } = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
	if (flags & ts.SymbolFlags.Class) return 'class'
	if (flags & ts.SymbolFlags.Function) return 'function'
	if (flags & ts.SymbolFlags.Variable) return 'const'
	if (flags & ts.SymbolFlags.Interface) return 'interface'
	if (flags & ts.SymbolFlags.TypeAlias) return 'type'
	return 'unknown'
}

const formatHost: ts.FormatDiagnosticsHost = {
	getCanonicalFileName: (name) => name,
	getCurrentDirectory: () => app,
	getNewLine: () => '\n'
}
