import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { check, type CheckOptions } from './markdown/check.js'
import { extract } from './markdown/extract.js'

const snippets = extract(fileURLToPath(new URL('seed/snippets.md', import.meta.url)))
	// One block closes its script with the wrong tag, which no compiler could read.
	.map((snippet) => ({ ...snippet, code: snippet.code.replace('</svelte>', '</script>') }))

/** What the seed's code takes for granted: the user's own functions and modules, and a package. */
const surroundings: CheckOptions = {
	// Parameters of handlers: SvelteKit knows them from the name of the file.
	noImplicitAny: false,
	ambient: `
		declare const emit: import('sveltekit-sse').Emit
		declare const lock: import('svelte/store').Writable<boolean>
		// One block leaves its import out.
		declare const produce: typeof import('sveltekit-sse').produce
		declare function someRemoteEvent(name: string, run: (data: string) => void): void
		declare module '$lib/clients' {
			export const clients: Map<string, any>
		}
		declare module 'pg-listen' {
			export default function createSubscriber(options: { connectionString: string }): {
				notifications: { on(channel: string, run: (payload: { message: string }) => void): void }
			}
		}`,
	beside: { 'config.ts': "export const databaseURL = ''" }
}

describe('every snippet of the README of 0.14', () => {
	test('is found', () => {
		const languages = snippets.map(({ language }) => language)
		expect(languages.filter((language) => language === 'js')).toHaveLength(11)
		expect(languages.filter((language) => /svelte|html/.test(language))).toHaveLength(5)
	})

	test('type-checks as JavaScript, unchanged', () => {
		expect(check(snippets, surroundings)).toEqual([])
	})

	test('type-checks as TypeScript, unchanged', () => {
		expect(check(snippets, { ...surroundings, extension: '.ts' })).toEqual([])
	})

	test('is held to its types: a wrong line is found', () => {
		const wrong = { file: 'x.md', line: 7, language: 'js' }
		const code = `import { source } from 'sveltekit-sse'\nsource(42)\n`
		expect(check([{ ...wrong, code }], surroundings)).toEqual([
			expect.stringMatching(/^x\.md:8: Argument of type 'number' is not assignable/)
		])
		const component =
			'<script>\n\timport { source } from "sveltekit-sse"\n\tsource(42)\n</script>\n'
		expect(check([{ ...wrong, language: 'svelte', code: component }], surroundings)).toHaveLength(1)
	})
})
