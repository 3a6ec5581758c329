import { highlight, type Language } from './highlight.server.js'

export interface SourceFile {
	/** Path from the page's folder. */
	name: string
	code: string
	html: string
}

const texts = import.meta.glob<string>('../routes/**/*.{svelte,ts}', {
	query: '?raw',
	import: 'default',
	eager: true
})

const made = new Map<string, Promise<SourceFile[]>>()

/** The files of one page, highlighted: the page first, then what it is made of, then its server. */
export function sourcesOf(route: string): Promise<SourceFile[]> {
	let files = made.get(route)
	if (!files) made.set(route, (files = make(route)))
	return files
}

function make(route: string): Promise<SourceFile[]> {
	const folder = `../routes${route === '/' ? '' : route}/`
	const names = Object.keys(texts)
		.filter((path) => path.startsWith(folder))
		.map((path) => path.slice(folder.length))
		.filter((name) => !name.startsWith('+layout') && !name.startsWith('+error'))
		// The home page shares its folder with all others.
		.filter((name) => route !== '/' || !name.includes('/') || /^(hello|events)\//.test(name))
	return Promise.all(
		names
			.sort((a, b) => rank(a) - rank(b) || a.localeCompare(b))
			.map(async (name) => {
				const code = texts[folder + name]!
				return { name, code, html: await highlight(code, languageOf(name)) }
			})
	)
}

function rank(name: string): number {
	if (name === '+page.svelte') return 0
	if (name.endsWith('.svelte')) return 1
	if (name.endsWith('+server.ts')) return 2
	return name.startsWith('+page') ? 4 : 3
}

function languageOf(name: string): Language {
	return name.endsWith('.svelte') ? 'svelte' : 'ts'
}
