import { globSync, readFileSync } from 'node:fs'
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

/** The reader's own app; and SvelteKit knows the parameters of handlers from the name of the file. */
const surroundings = {
	ambient: readFileSync(new URL('docs-ambient.d.ts', import.meta.url), 'utf8'),
	noImplicitAny: false
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

	const components = [...documents, ...comments].filter(({ language }) => language === 'svelte')
	test.for(
		components.map((one) => ({ ...one, place: `${one.file.slice(root.length)}:${one.line}` }))
	)('compile: $place', ({ code }) => {
		expect(compile(code, { generate: 'client' }).js.code).toContain('svelte/internal/client')
	})
})
