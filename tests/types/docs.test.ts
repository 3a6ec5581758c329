import { readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { compile } from 'svelte/compiler'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'
import { entries } from '../../scripts/entries.mjs'

// What the documents show has to compile against the library as it is.

const root = fileURLToPath(new URL('../../', import.meta.url))
const documents = ['README.md', ...readdirSync(`${root}docs`).map((name) => `docs/${name}`)].filter(
	(name) => name.endsWith('.md')
)

interface Example {
	document: string
	line: number
	language: string
	code: string
}

const examples = documents.flatMap((document) => {
	const found: Example[] = []
	const text = readFileSync(`${root}${document}`, 'utf8')
	for (const match of text.matchAll(/^```(ts|svelte)\n([\s\S]*?)^```$/gm)) {
		const line = text.slice(0, match.index).split('\n').length
		found.push({ document, line, language: match[1]!, code: match[2]! })
	}
	return found
})

/** What examples take for granted: the reader's own app. */
const ambient = readFileSync(new URL('docs-ambient.d.ts', import.meta.url), 'utf8')

function diagnose(all: Example[]): Map<string, string[]> {
	const files = new Map<string, string>([[`${root}tests/types/docs-ambient.d.ts`, ambient]])
	const names = new Map<string, Example>()
	for (const example of all) {
		const name = `${root}tests/types/${example.document.replaceAll('/', '-')}-${example.line}.ts`
		// A fragment may use await and return as the body of a handler does.
		const isModule = /^(import|export) /m.test(example.code)
		const code = isModule
			? example.code
			: `async function example() {\n${example.code}\n}\nexport { example }`
		files.set(name, code)
		names.set(name, example)
	}
	const options: ts.CompilerOptions = {
		allowImportingTsExtensions: true,
		lib: ['lib.esnext.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts', 'lib.dom.asynciterable.d.ts'],
		module: ts.ModuleKind.ESNext,
		moduleResolution: ts.ModuleResolutionKind.Bundler,
		noEmit: true,
		noImplicitAny: false,
		paths: Object.fromEntries(
			entries().map(({ name, source }: { name: string; source: string }) => [
				name,
				[`${root}${source}`]
			])
		),
		skipLibCheck: true,
		strict: true,
		target: ts.ScriptTarget.ESNext,
		types: ['node']
	}
	const host = ts.createCompilerHost(options)
	const { readFile, fileExists } = host
	host.readFile = (name) => files.get(name) ?? readFile(name)
	host.fileExists = (name) => files.has(name) || fileExists(name)
	const program = ts.createProgram([...files.keys()], options, host)
	const errors = new Map<string, string[]>()
	for (const [name] of names) {
		const file = program.getSourceFile(name)
		const found = [
			...program.getSyntacticDiagnostics(file),
			...program.getSemanticDiagnostics(file)
		]
		errors.set(
			name,
			found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
		)
	}
	return errors
}

describe('the examples of the documents', () => {
	const code = examples.filter(({ language }) => language === 'ts')

	test('type-check', () => {
		const failing = [...diagnose(code)].filter(([, errors]) => errors.length > 0)
		expect(Object.fromEntries(failing)).toEqual({})
		expect(code.length).toBeGreaterThan(10)
	})

	test.for(examples.filter(({ language }) => language === 'svelte'))(
		'compile: $document:$line',
		({ code }) => {
			expect(compile(code, { generate: 'client' }).js.code).toContain('svelte/internal/client')
		}
	)
})
