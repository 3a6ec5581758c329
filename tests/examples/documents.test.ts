import { describe, expect, test } from 'vitest'
import { documented, documents } from './documents.js'

const block = (...lines: string[]) => ['```ts', ...lines, '```', ''].join('\n')

describe('an example of a document', () => {
	test('is a whole file if it begins with its path', () => {
		const text = block('// src/lib/one.ts', 'export const one = 1')
		const { files, shown } = documented('docs/none.md', 2, text)
		expect(files.get('src/lib/one.ts')).toBe('// src/lib/one.ts\nexport const one = 1\n')
		expect(shown).toEqual(['src/lib/one.ts'])
	})

	test('is one of several if others begin with the same path', () => {
		const one = block('// src/lib/one.ts', '1')
		const two = block('// src/lib/one.ts', '2')
		const { files, alternatives } = documented('docs/none.md', 2, one + two)
		expect(files.get('src/lib/one.ts')).toContain('1')
		expect(alternatives.get('src/lib/one.ts')).toEqual([
			'// src/lib/one.ts\n1\n',
			'// src/lib/one.ts\n2\n'
		])
	})

	test('has lines and files for one major version', () => {
		const lines = block('// src/lib/one.ts', 'two // SvelteKit 2', 'three // SvelteKit 3')
		const file = block('// src/env.ts, SvelteKit 3', 'variables')
		const filesOf = (major: 2 | 3) => {
			const { files, shown } = documented('docs/none.md', major, lines + file)
			return shown.map((path) => [path, files.get(path)])
		}
		expect(filesOf(2)).toEqual([['src/lib/one.ts', '// src/lib/one.ts\ntwo // SvelteKit 2\n']])
		expect(filesOf(3)).toEqual([
			['src/lib/one.ts', '// src/lib/one.ts\nthree // SvelteKit 3\n'],
			['src/env.ts', '// src/env.ts, SvelteKit 3\nvariables\n']
		])
	})

	test('that is neither a whole file nor a fragment is refused, with its place', () => {
		const text = `# A document\n\n${block('someCode()')}`
		expect(() => documented('docs/none.md', 2, text)).toThrow(
			'docs/none.md:4: neither a whole file nor a fragment.'
		)
	})

	test('that is missing from its place is refused', () => {
		expect(() => documented('docs/hub.md', 2, '')).toThrow(
			'docs/hub.md: no example for the place in src/routes/room/+server.ts.'
		)
	})
})

test('the documents have examples', () => {
	const counts = documents.map((document) => documented(document, 3).shown.length)
	expect(counts.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(40)
})
