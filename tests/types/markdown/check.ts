import { relative, resolve } from 'node:path'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { entries } from '../../../scripts/entries.mjs'
import type { Snippet } from './extract.js'

// Not by `import`: Vite would look for a source map that the package does not have.
const { svelte2tsx } = createRequire(import.meta.url)('svelte2tsx') as typeof import('svelte2tsx')

const root = fileURLToPath(new URL('../../../', import.meta.url))
/** Where the snippets seem to stand: nothing is written there, but packages are found from there. */
const folder = resolve(root, 'tests/types/markdown/virtual')

export interface CheckOptions {
	/** What the snippets may rely on without importing it, as a declaration file. */
	ambient?: string
	/** More files beside the snippets, by name. */
	beside?: Record<string, string>
	/** Whether parameters need types. Handlers in `+server.js` get theirs from SvelteKit. @default true */
	noImplicitAny?: boolean
	/** Turns what TypeScript is given. @default by the language of the block */
	extension?: '.ts' | '.js'
}

const extensions: Record<string, string> = {
	ts: '.ts',
	js: '.js',
	svelte: '.svelte',
	html: '.svelte'
}

/** Type-checks snippets, each as a module of its own, strictly. Returns the errors, with their place in the document. */
export function check(snippets: readonly Snippet[], options: CheckOptions = {}): string[] {
	const origins = new Map<string, { snippet: Snippet; shift: number }>()
	const files = new Map<string, string>()
	const put = (name: string, text: string): string => {
		const path = resolve(folder, name)
		files.set(path, text)
		return path
	}
	for (const [name, text] of Object.entries(options.beside ?? {})) put(name, text)
	const roots = [put('ambient.d.ts', options.ambient ?? '')]
	snippets.forEach((snippet, index) => {
		const extension = extensions[snippet.language]
		if (!extension) return
		const isSvelte = extension === '.svelte'
		const name = `snippet-${index}${isSvelte ? '.svelte.ts' : (options.extension ?? extension)}`
		const { text, shift } = isSvelte ? component(snippet.code) : asModule(snippet.code)
		const path = put(isSvelte ? name.replace(/ts$/, 'tsx') : name, text)
		origins.set(path, { snippet, shift })
		roots.push(path)
	})
	roots.push(
		resolve(root, 'node_modules/svelte2tsx/svelte-shims-v4.d.ts'),
		resolve(root, 'node_modules/svelte2tsx/svelte-jsx-v4.d.ts'),
		resolve(root, '.svelte-kit/ambient.d.ts')
	)
	const program = ts.createProgram(roots, compilerOptions(options), host(files, options))
	// Not the whole program: the library itself is checked elsewhere.
	return [...files.keys()].flatMap((path) => {
		const file = program.getSourceFile(path)
		return [
			...program.getSyntacticDiagnostics(file),
			...(file ? program.getSemanticDiagnostics(file) : [])
		].map((diagnostic) => describe(diagnostic, origins))
	})
}

/** A block without imports and exports is part of a function, whose end it may reach. */
function asModule(code: string): { text: string; shift: number } {
	return /^\s*(import|export)\b/m.test(code)
		? { text: `${code}\nexport {}\n`, shift: 0 }
		: { text: `export async function fragment() {\n${code}\n}\n`, shift: 1 }
}

function component(code: string): { text: string; shift: number } {
	const { code: text } = svelte2tsx(code, {
		filename: 'Snippet.svelte',
		isTsFile: true,
		mode: 'ts',
		version: '5'
	})
	return { text, shift: 0 }
}

function compilerOptions({ noImplicitAny = true }: CheckOptions): ts.CompilerOptions {
	return {
		strict: true,
		noImplicitAny,
		allowJs: true,
		checkJs: true,
		noEmit: true,
		skipLibCheck: true,
		target: ts.ScriptTarget.ESNext,
		module: ts.ModuleKind.ESNext,
		moduleResolution: ts.ModuleResolutionKind.Bundler,
		jsx: ts.JsxEmit.Preserve,
		lib: ['lib.esnext.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
		types: ['node'],
		paths: Object.fromEntries(entries().map(({ name, source }) => [name, [resolve(root, source)]]))
	}
}

/** Kept from one check to the next: most of what a program needs is always the same. */
const parsed = new Map<string, ts.SourceFile | undefined>()

function host(files: ReadonlyMap<string, string>, options: CheckOptions): ts.CompilerHost {
	const real = ts.createCompilerHost(compilerOptions(options))
	return {
		...real,
		fileExists: (path) => files.has(path) || real.fileExists(path),
		readFile: (path) => files.get(path) ?? real.readFile(path),
		directoryExists: (path) =>
			files.keys().some((file) => file.startsWith(`${path}/`)) || real.directoryExists!(path),
		getSourceFile: (path, version, onError) => {
			const text = files.get(path)
			if (text !== undefined) return ts.createSourceFile(path, text, version, true)
			if (!parsed.has(path)) parsed.set(path, real.getSourceFile(path, version, onError))
			return parsed.get(path)
		}
	}
}

function describe(
	{ file, start, messageText }: ts.Diagnostic,
	origins: ReadonlyMap<string, { snippet: Snippet; shift: number }>
): string {
	const message = ts.flattenDiagnosticMessageText(messageText, ' ')
	const origin = file && origins.get(file.fileName)
	if (!origin) return `${file?.fileName ?? 'the program'}: ${message}`
	const { snippet, shift } = origin
	const { line } = file.getLineAndCharacterOfPosition(start!)
	const place = file.fileName.endsWith('.tsx') ? snippet.line : snippet.line + line - shift
	return `${relative(root, resolve(root, snippet.file))}:${place}: ${message}`
}
