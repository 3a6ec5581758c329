import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { compile } from 'svelte/compiler'
import { describe, expect, test } from 'vitest'
import { check } from './markdown/check.js'
import { extract } from './markdown/extract.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const snippetsOf = (...patterns: string[]) =>
	globSync(patterns, { cwd: root }).flatMap((file) => extract(`${root}${file}`))

/** Those of the documents run in projects of their own, see tests/examples. */
const comments = snippetsOf('src/lib/**/*.ts')

/** A component in plain JavaScript is compiled; with types, it is checked too. */
const isTyped = ({ language, code }: { language: string; code: string }) =>
	language === 'svelte' ? code.includes('lang="ts"') : language === 'ts' || language === 'js'

/** The reader's own app; and SvelteKit knows the parameters of handlers from the name of the file. */
const surroundings = {
	ambient: readFileSync(new URL('docs-ambient.d.ts', import.meta.url), 'utf8'),
	beside: {
		'../../lib/server/hub.ts': `export declare const hub: import('sveltekit-sse/hub').Hub`
	},
	noImplicitAny: false
}

describe('the examples of the doc comments', () => {
	test('type-check', () => {
		expect(comments.filter(isTyped).length).toBeGreaterThan(20)
		expect(check(comments.filter(isTyped), surroundings)).toEqual([])
	})

	const components = comments.filter(({ language }) => language === 'svelte')
	test.for(
		components.map((one) => ({ ...one, place: `${one.file.slice(root.length)}:${one.line}` }))
	)('compile: $place', ({ code }) => {
		expect(compile(code, { generate: 'client' }).js.code).toContain('svelte/internal/client')
	})
})

test('the examples of testing are the recipes that our tests run', () => {
	const recipes = globSync(
		['tests/unit/testing/recipes/*', 'tests/browser/testing/*', 'tests/e2e/recipe.test.ts'],
		{ cwd: root }
	).map((file) => readFileSync(`${root}${file}`, 'utf8'))
	const shown = snippetsOf('docs/testing.md')
		// Without the line that names the file in the reader's app.
		.map((snippet) => ({ ...snippet, code: snippet.code.replace(/^.*\n/, '') }))
		.filter(({ code }) => /\btest\(|\bplay\b/.test(code))
	expect(shown.length).toBeGreaterThan(7)
	const other = shown.filter(({ code }) => !recipes.includes(code))
	expect(other.map(({ line }) => `docs/testing.md:${line}`)).toEqual([])
})
