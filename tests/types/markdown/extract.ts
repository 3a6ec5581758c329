import { readFileSync } from 'node:fs'

/** A block of code in a document. */
export interface Snippet {
	/** The document's path, and the line on which the code begins. */
	file: string
	line: number
	/** The word behind the fence. */
	language: string
	code: string
}

const fence = /^(\s*(?:\*\s)?\s*)```(\w*)/

/** The fenced blocks of a Markdown file, or of the doc comments of a source file, without their indentation. */
export function extract(file: string, text = readFileSync(file, 'utf8')): Snippet[] {
	const snippets: Snippet[] = []
	let open: { prefix: string; language: string; line: number; code: string[] } | undefined
	text.split('\n').forEach((line, index) => {
		const found = fence.exec(line)
		if (open && found) {
			const { language, code } = open
			snippets.push({ file, line: open.line, language, code: code.join('\n') + '\n' })
			open = undefined
		} else if (open) open.code.push(withoutPrefix(line, open.prefix))
		else if (found) open = { prefix: found[1]!, language: found[2]!, line: index + 2, code: [] }
	})
	return snippets
}

/** An empty line of an indented block may be shorter than the indentation. */
function withoutPrefix(line: string, prefix: string): string {
	return line.startsWith(prefix) ? line.slice(prefix.length) : line.slice(prefix.trimEnd().length)
}
