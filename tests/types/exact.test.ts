import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'
import { entries } from '../../scripts/entries.mjs'

const root = fileURLToPath(new URL('../../', import.meta.url))
const file = `${root}tests/types/exact.ts`

/** Options by their names, and what stands for some that are not named so. */
const isOptions =
	/Options$|History$|Settings$|UnderTest$|^(Member|Answer|Options|ProducePayload|SourceConfiguration|FetchEventSourceInit)$/

/** The options of all entries, and those that are nested in them. */
const all = entries().flatMap(({ name, source }) => {
	const program = ts.createProgram([root + source], { skipLibCheck: true })
	const checker = program.getTypeChecker()
	const module = checker.getSymbolAtLocation(program.getSourceFile(root + source)!)!
	return checker
		.getExportsOfModule(module)
		.filter((symbol) => isOptions.test(symbol.name))
		.map((symbol) => `import('${name}').${symbol.name}`)
		.map((type) => (type.endsWith('.ListOptions') ? `${type}<unknown>` : type))
})
const nested = ['history', 'presence'].map(
	(name) => `NonNullable<import('sveltekit-sse/hub').HubOptions['${name}']>`
)

/** Compiles a text, strictly and with `exactOptionalPropertyTypes`, and gives the errors. */
function compile(text: string): string[] {
	const options: ts.CompilerOptions = {
		exactOptionalPropertyTypes: true,
		lib: ['lib.esnext.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
		module: ts.ModuleKind.ESNext,
		moduleResolution: ts.ModuleResolutionKind.Bundler,
		noEmit: true,
		paths: Object.fromEntries(entries().map(({ name, source }) => [name, [root + source]])),
		skipLibCheck: true,
		strict: true,
		target: ts.ScriptTarget.ESNext,
		types: ['node']
	}
	const host = ts.createCompilerHost(options)
	const { getSourceFile } = host
	host.getSourceFile = (name, ...rest) =>
		name === file
			? ts.createSourceFile(name, text, ts.ScriptTarget.ESNext)
			: getSourceFile.call(host, name, ...rest)
	const program = ts.createProgram([file], options, host)
	return program
		.getSemanticDiagnostics(program.getSourceFile(file))
		.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
}

const helper = `type Undefined<T> = { [K in keyof T as {} extends Pick<T, K> ? K : never]: undefined }\n`

describe('with exactOptionalPropertyTypes', () => {
	// Else `{ signal: condition ? signal : undefined }` would compile for one option, and not for the next.
	test('every option of the public surface may be undefined', () => {
		expect(all.length).toBeGreaterThan(25)
		const lines = [...all, ...nested].map(
			(type, number) => `export const v${number}: Partial<${type}> = {} as Undefined<${type}>\n`
		)
		expect(compile(helper + lines.join(''))).toEqual([])
	})

	test('an option that may not be is found', () => {
		const text = `export const found: { a?: string } = {} as Undefined<{ a?: string }>`
		expect(compile(helper + text)).toEqual([expect.stringContaining("Types of property 'a'")])
	})
})
