import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import older from 'typescript-5.9'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'
import { entries } from '../../scripts/entries.mjs'

const root = fileURLToPath(new URL('../../', import.meta.url))
const app = `${root}tests/types/migrating/app.ts`
const apps = [app, `${root}tests/types/migrating/app-0.15.ts`]

const left = `${root}tests/types/migrating/left.ts`

const before = `${root}node_modules/sveltekit-sse-0.14/dist/index.d.ts`
const now = root + entries().find(({ name }) => name === 'sveltekit-sse')!.source

const versions: [string, typeof ts][] = [
	['5.9', older as unknown as typeof ts],
	['6.0', ts]
]

/** Compiles files strictly, with this library; returns the errors. */
function compile(
	typescript: typeof ts,
	files: string[],
	library: string,
	exactOptionalPropertyTypes: boolean
): string[] {
	const program = typescript.createProgram(files, {
		exactOptionalPropertyTypes,
		lib: ['lib.esnext.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
		module: typescript.ModuleKind.ESNext,
		moduleResolution: typescript.ModuleResolutionKind.Bundler,
		noEmit: true,
		paths: { 'sveltekit-sse': [library] },
		skipLibCheck: true,
		strict: true,
		target: typescript.ScriptTarget.ESNext,
		types: ['node']
	})
	return files.flatMap((file) => {
		const source = program.getSourceFile(file)!
		return program.getSemanticDiagnostics(source).map(({ start, messageText }) => {
			const { line } = source.getLineAndCharacterOfPosition(start!)
			return `${line + 1}: ${typescript.flattenDiagnosticMessageText(messageText, ' ')}`
		})
	})
}

/** The names that a module exports. */
function exportsOf(file: string): string[] {
	const program = ts.createProgram([file], { skipLibCheck: true })
	const checker = program.getTypeChecker()
	const module = checker.getSymbolAtLocation(program.getSourceFile(file)!)!
	return checker.getExportsOfModule(module).map(({ name }) => name)
}

/** The names that an app takes from the library. */
function importsOf(file: string): string[] {
	const [, names] = /import \{([^}]+)\} from 'sveltekit-sse'/.exec(readFileSync(file, 'utf8'))!
	return names!.split(',').map((name) => name.replace(/^\s*type /, '').trim())
}

/** The rows of the guide that a file shows. */
function rowsOf(file: string): string[] {
	return [...readFileSync(file, 'utf8').matchAll(/@ts-expect-error \[([\w-]+)\]/g)].map(
		([, name]) => name!
	)
}

test('the app of 0.14 uses every name that the real 0.14.3 exports', () => {
	expect(importsOf(app).sort()).toEqual(exportsOf(before).sort())
})

describe.for(versions)('TypeScript %s', ([, typescript]) => {
	describe.for([
		['strict', false],
		['strict, and with exactOptionalPropertyTypes', true]
	] as const)('%s', ([, isExact]) => {
		test('compiles the app of 0.14 with the real 0.14.3', () => {
			expect(compile(typescript, [app], before, isExact)).toEqual([])
		})

		test('compiles with 0.14.3 what is left as an error', () => {
			const errors = compile(typescript, [left], before, isExact)
			expect(errors.map((error) => error.replace(/^\d+: /, ''))).toEqual(
				rowsOf(left).map(() => "Unused '@ts-expect-error' directive.")
			)
			expect(compile(typescript, [left], now, isExact)).toEqual([])
		})

		test('compiles the apps of 0.14 and 0.15 with this library', () => {
			expect(compile(typescript, apps, now, isExact)).toEqual([])
		})
	})
})
