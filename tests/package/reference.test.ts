import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { entries } from '../../scripts/entries.mjs'
import { ensureNode, root } from '../../scripts/install.mjs'
import { run } from '../../scripts/process.mjs'

const committed = join(root, 'docs', 'reference')

/** The files of a folder, by name. */
const read = (folder: string) =>
	Object.fromEntries(
		readdirSync(folder)
			.sort()
			.map((name) => [name, readFileSync(join(folder, name), 'utf8')])
	)

/** It fails as well for an export without a doc comment, and for a link that leads nowhere. */
test('the reference is what `npm run docs` makes of the doc comments', async () => {
	const folder = mkdtempSync(join(tmpdir(), 'sveltekit-sse-reference-'))
	onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
	const { code, output } = await run(
		await ensureNode(),
		[join(root, 'scripts', 'docs.mjs'), folder],
		{ cwd: root, quiet: true }
	)
	expect(code, output).toBe(0)
	expect(read(committed)).toEqual(read(folder))
})

test('the reference has a page for every entry, and nothing of the machine that wrote it', () => {
	const pages = read(committed)
	const wanted = entries().map(({ name }) => `${name.replaceAll('/', '.')}.md`)
	expect(Object.keys(pages).sort()).toEqual(['README.md', ...wanted].sort())
	for (const [name, text] of Object.entries(pages)) {
		expect(text, name).not.toContain(root)
		expect(text, name).not.toContain('node_modules')
	}
})
