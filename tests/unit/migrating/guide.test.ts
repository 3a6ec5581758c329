import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const guide = readFileSync(`${root}docs/migrating.md`, 'utf8')

/** Each difference has a name: a comment in the guide, and brackets in the tests that show it. */
const inGuide = [...guide.matchAll(/<!-- ([\w-]+) -->/g)].map(([, name]) => name!)
const inTests = globSync('tests/*/migrating/*.ts', { cwd: root })
	.map((file) => readFileSync(`${root}${file}`, 'utf8'))
	.flatMap((text) => [...text.matchAll(/(?:\btest\(\s*'|@ts-expect-error )\[([\w-]+)\]/g)])
	.map(([, name]) => name!)

test('the guide names every difference once', () => {
	expect(inGuide.length).toBeGreaterThan(50)
	expect(inGuide).toEqual([...new Set(inGuide)])
})

test('every difference in the guide has a test, and every test of one its row', () => {
	expect(inGuide.toSorted()).toEqual([...new Set(inTests)].sort())
})

test('every row that compares has its name', () => {
	const compared = guide
		.split('\n## ')
		.filter((section) => /^\| before \| now \|$/m.test(section))
		.flatMap((section) => section.split('\n').filter((line) => line.startsWith('| ')))
		.filter((line) => !/^\| (before|---) \|/.test(line))
	expect(compared.filter((line) => !/<!-- [\w-]+ --> \|$/.test(line))).toEqual([])
})
