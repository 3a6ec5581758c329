import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { renamed } from '../../src/routes/typed/renamed.js'
import { check } from './markdown/check.js'

const folder = fileURLToPath(new URL('../../src/routes/typed/', import.meta.url))
const read = (name: string) => readFileSync(folder + name, 'utf8')

/** The errors of the page and its endpoint, beside a contract like this. */
function errorsBeside(contract: string): { file: string; message: string }[] {
	const flat = (code: string) => code.replaceAll('../feed.js', './feed.js')
	const files = ['+page.svelte', 'events/+server.ts']
	const snippets = files.map((file) => ({
		file: folder + file,
		line: 1,
		language: file.endsWith('.svelte') ? 'svelte' : 'ts',
		code: flat(read(file))
	}))
	const errors = check(snippets, {
		beside: { 'feed.ts': contract, 'renamed.ts': read('renamed.ts') },
		noImplicitAny: false
	})
	return errors.map((error) => {
		const [, file = '', message = ''] = /typed\/(\S+):\d+: (.*)$/.exec(error) ?? []
		return { file, message }
	})
}

test('the typed page shows what the compiler says when an event is renamed', () => {
	const contract = read('feed.ts')
	// SvelteKit's own types are not there, before and after.
	const others = errorsBeside(contract).map(({ message }) => message)
	const errors = errorsBeside(contract.replace(`${renamed.from}:`, `${renamed.to}:`)).filter(
		({ message }) => !others.includes(message)
	)
	const first = errors.filter(
		({ file }, index) => index === errors.findIndex((error) => error.file === file)
	)
	expect(first).toEqual(renamed.errors)
})
