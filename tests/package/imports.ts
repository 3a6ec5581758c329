import { readFileSync, readdirSync } from 'node:fs'
import { extname, join, relative } from 'node:path'
import ts from 'typescript'

export interface Import {
	/** The file that imports, relative to the folder that was read. */
	file: string
	specifier: string
	/** Whether it is gone after compiling. */
	typeOnly: boolean
	/** Whether it happens when the code gets there, by `import()`. */
	lazy: boolean
}

/** All files under a folder, relative to it. */
export function listFiles(folder: string): string[] {
	return readdirSync(folder, { recursive: true, withFileTypes: true })
		.filter((entry) => entry.isFile())
		.map((entry) => relative(folder, join(entry.parentPath, entry.name)))
		.sort()
}

/** What the scripts under a folder import and re-export. */
export function listImports(folder: string, extensions = ['.ts', '.js']): Import[] {
	return listFiles(folder)
		.filter((file) => extensions.includes(extname(file)))
		.flatMap((file) => importsOf(file, parse(join(folder, file))))
}

export function parse(path: string): ts.SourceFile {
	return ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true)
}

function importsOf(file: string, source: ts.SourceFile): Import[] {
	const found: Import[] = []
	const add = (node: ts.Node | undefined, typeOnly: boolean, lazy = false) => {
		if (node && ts.isStringLiteralLike(node)) {
			found.push({ file, specifier: node.text, typeOnly, lazy })
		}
	}
	visit(source)
	return found

	function visit(node: ts.Node): void {
		if (ts.isImportDeclaration(node)) {
			add(node.moduleSpecifier, isTypeOnlyImport(node))
		} else if (ts.isExportDeclaration(node)) {
			add(node.moduleSpecifier, isTypeOnlyExport(node))
		} else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
			add(node.argument.literal, true)
		} else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
			add(node.arguments[0], false, true)
		}
		ts.forEachChild(node, visit)
	}
}

function isTypeOnlyImport({ importClause }: ts.ImportDeclaration): boolean {
	if (!importClause) return false
	if (importClause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true
	const { name, namedBindings } = importClause
	return (
		!name &&
		namedBindings !== undefined &&
		ts.isNamedImports(namedBindings) &&
		namedBindings.elements.every((element) => element.isTypeOnly)
	)
}

function isTypeOnlyExport({ isTypeOnly, exportClause }: ts.ExportDeclaration): boolean {
	if (isTypeOnly) return true
	return (
		exportClause !== undefined &&
		ts.isNamedExports(exportClause) &&
		exportClause.elements.every((element) => element.isTypeOnly)
	)
}
