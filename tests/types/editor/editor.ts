import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type ts from 'typescript'
import { entries } from '../../../scripts/entries.mjs'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const file = resolve(root, 'tests/types/editor/open.ts')

/** What an editor shows of one open file; a bar in the code is where the cursor stands. */
export class Editor {
	readonly #ts: typeof ts
	readonly #options: ts.CompilerOptions
	readonly #service: ts.LanguageService
	/** Files that are the same for every program. */
	readonly #parsed = new Map<string, ts.SourceFile | undefined>()
	#text = ''
	#version = 0

	constructor(typescript: typeof ts) {
		this.#ts = typescript
		this.#options = {
			lib: ['lib.esnext.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
			module: typescript.ModuleKind.ESNext,
			moduleResolution: typescript.ModuleResolutionKind.Bundler,
			noEmit: true,
			noErrorTruncation: true,
			paths: Object.fromEntries(
				entries().map(({ name, source }) => [name, [resolve(root, source)]])
			),
			skipLibCheck: true,
			strict: true,
			target: typescript.ScriptTarget.ESNext,
			types: ['node']
		}
		this.#service = typescript.createLanguageService(this.#host())
	}

	/** The names that are offered, sorted; those of the language itself left out. */
	complete(code: string): string[] {
		const position = this.#open(code)
		const found = this.#service.getCompletionsAtPosition(file, position, {})
		return (found?.entries ?? [])
			.filter(({ kind }) => kind !== 'keyword' && kind !== 'warning')
			.map(({ name }) => name)
			.sort()
	}

	/** What hovering over the place shows, as one line. */
	hover(code: string): string {
		const position = this.#open(code)
		const info = this.#service.getQuickInfoAtPosition(file, position)
		return this.#ts.displayPartsToString(info?.displayParts).replace(/\s+/g, ' ')
	}

	/** The first line of each error: what an editor shows beside the code. */
	errors(code: string): string[] {
		this.#open(code)
		return [
			...this.#service.getSyntacticDiagnostics(file),
			...this.#service.getSemanticDiagnostics(file)
		].map(({ messageText }) =>
			typeof messageText === 'string' ? messageText : messageText.messageText
		)
	}

	/** How many types are made to check the file. */
	instantiations(code: string): number {
		this.#open(code)
		const program = this.#ts.createProgram([file], this.#options, this.#compilerHost())
		program.getSemanticDiagnostics(program.getSourceFile(file))
		return (program as ts.Program & { getInstantiationCount(): number }).getInstantiationCount()
	}

	/** The errors of files that stand in the repository, with their place. */
	check(paths: string[]): string[] {
		const program = this.#ts.createProgram(paths, this.#options, this.#compilerHost())
		return paths.flatMap((path) => {
			const source = program.getSourceFile(path)!
			return program.getSemanticDiagnostics(source).map(({ start, messageText }) => {
				const { line } = source.getLineAndCharacterOfPosition(start!)
				return `${path}:${line + 1}: ${this.#ts.flattenDiagnosticMessageText(messageText, ' ')}`
			})
		})
	}

	#open(code: string): number {
		const position = code.lastIndexOf('|')
		this.#text = position < 0 ? code : code.slice(0, position) + code.slice(position + 1)
		this.#version++
		return position
	}

	#read(path: string): string | undefined {
		return path === file ? this.#text : this.#ts.sys.readFile(path)
	}

	#host(): ts.LanguageServiceHost {
		const { sys } = this.#ts
		const snapshots = new Map<string, ts.IScriptSnapshot>()
		return {
			getCompilationSettings: () => this.#options,
			getCurrentDirectory: () => dirname(file),
			getDefaultLibFileName: (options) => this.#ts.getDefaultLibFilePath(options),
			getScriptFileNames: () => [file],
			getScriptVersion: (path) => (path === file ? String(this.#version) : '0'),
			getScriptSnapshot: (path) => {
				if (path === file) return this.#ts.ScriptSnapshot.fromString(this.#text)
				const text = snapshots.has(path) ? undefined : sys.readFile(path)
				if (text !== undefined) snapshots.set(path, this.#ts.ScriptSnapshot.fromString(text))
				return snapshots.get(path)
			},
			directoryExists: (path) => sys.directoryExists(path),
			fileExists: (path) => path === file || sys.fileExists(path),
			getDirectories: (path) => sys.getDirectories(path),
			readDirectory: (...args) => sys.readDirectory(...args),
			readFile: (path) => this.#read(path)
		}
	}

	#compilerHost(): ts.CompilerHost {
		const real = this.#ts.createCompilerHost(this.#options)
		return {
			...real,
			fileExists: (path) => path === file || real.fileExists(path),
			getSourceFile: (path, version) => {
				if (path === file) return this.#ts.createSourceFile(path, this.#text, version, true)
				if (!this.#parsed.has(path)) this.#parsed.set(path, real.getSourceFile(path, version))
				return this.#parsed.get(path)
			},
			readFile: (path) => this.#read(path)
		}
	}
}
