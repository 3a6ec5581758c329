import { createCssVariablesTheme, createHighlighterCore } from 'shiki/core'
import { createJavaScriptRegexEngine } from 'shiki/engine/javascript'

export type Language = 'svelte' | 'ts' | 'bash'

// Colours are names here and values in app.css, so that one HTML is right in light and in dark.
const theme = createCssVariablesTheme({ name: 'demo', variablePrefix: '--' })

const highlighter = createHighlighterCore({
	themes: [theme],
	langs: [
		import('shiki/langs/svelte.mjs'),
		import('shiki/langs/typescript.mjs'),
		import('shiki/langs/bash.mjs')
	],
	engine: createJavaScriptRegexEngine({ forgiving: true })
})

/** A class for each colour that differs from that of plain text. */
const classes: Record<string, string> = {
	'var(--token-keyword)': 'k',
	'var(--token-string)': 's',
	'var(--token-string-expression)': 's',
	'var(--token-comment)': 'c',
	'var(--token-function)': 'f',
	'var(--token-constant)': 'n',
	'var(--token-parameter)': 'p',
	'var(--token-link)': 's'
}

/** Code as HTML: text, and spans with a class of one letter. It is sent with the page, so it is kept short. */
export async function highlight(code: string, lang: Language): Promise<string> {
	const { codeToTokensBase } = await highlighter
	const lines = codeToTokensBase(code.trimEnd(), {
		lang: lang === 'ts' ? 'typescript' : lang,
		theme: 'demo'
	})
	return lines
		.map((tokens) => {
			let html = ''
			let open: string | undefined
			let before = ''
			for (const { content, color } of tokens) {
				// White space has no colour of its own, so it need not end a span. The theme has none for tags.
				const name =
					content.trim() === '' ? open : /<\/?$/.test(before) ? 't' : classes[color ?? '']
				before = content
				if (name !== open) {
					if (open) html += '</span>'
					if (name) html += `<span class="${name}">`
					open = name
				}
				html += escape(content)
			}
			return open ? `${html}</span>` : html
		})
		.join('\n')
}

function escape(text: string): string {
	return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
