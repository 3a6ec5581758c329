import { globSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compile } from 'svelte/compiler'
import { describe, expect, test } from 'vitest'
import { check } from './markdown/check.js'
import { extract } from './markdown/extract.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const snippetsOf = (...patterns: string[]) =>
	globSync(patterns, { cwd: root }).flatMap((file) => extract(`${root}${file}`))

const documents = snippetsOf('README.md', 'docs/*.md')
const comments = snippetsOf('src/lib/**/*.ts')

/** A component in plain JavaScript is compiled; with types, it is checked too. */
const isTyped = ({ language, code }: { language: string; code: string }) =>
	language === 'svelte' ? code.includes('lang="ts"') : language === 'ts' || language === 'js'

/** The recipes that tests of ours run, and the modules of theirs that they share with the documents. */
const recipes = globSync(
	['tests/unit/testing/recipes/*', 'tests/browser/testing/*', 'tests/e2e/recipe.test.ts'],
	{ cwd: root }
).map((file) => ({ name: basename(file), text: readFileSync(`${root}${file}`, 'utf8') }))

/** The reader's own app; and SvelteKit knows the parameters of handlers from the name of the file. */
const surroundings = {
	ambient: readFileSync(new URL('docs-ambient.d.ts', import.meta.url), 'utf8'),
	noImplicitAny: false,
	beside: {
		...Object.fromEntries(
			recipes.filter(({ name }) => !name.includes('.test.')).map(({ name, text }) => [name, text])
		),
		'app.ts': `
			export declare const port: number
			export declare function launch(): Promise<import('playwright').Browser>`
	}
}

describe('the examples', () => {
	test('of the documents type-check', () => {
		expect(documents.filter(isTyped).length).toBeGreaterThan(10)
		expect(check(documents.filter(isTyped), surroundings)).toEqual([])
	})

	test('of the doc comments type-check', () => {
		expect(comments.filter(isTyped).length).toBeGreaterThan(20)
		expect(check(comments.filter(isTyped), surroundings)).toEqual([])
	})

	test('of testing are the recipes that our tests run', () => {
		const shown = documents.filter(
			({ file, code }) => file.endsWith('docs/testing.md') && /\btest\(|\bplay\b/.test(code)
		)
		expect(shown.length).toBeGreaterThan(7)
		const other = shown.filter(({ code }) => !recipes.some(({ text }) => text === code))
		expect(other.map(({ line }) => `docs/testing.md:${line}`)).toEqual([])
	})

	const components = [...documents, ...comments].filter(({ language }) => language === 'svelte')
	test.for(
		components.map((one) => ({ ...one, place: `${one.file.slice(root.length)}:${one.line}` }))
	)('compile: $place', ({ code }) => {
		expect(compile(code, { generate: 'client' }).js.code).toContain('svelte/internal/client')
	})
})
