import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { readFileSync } from 'node:fs'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { expect, inject, test } from 'vitest'

const { library, tarball } = inject('packed')

test('publint finds nothing', async () => {
	const { messages, pkg } = await publint({ pkgDir: library, pack: false, strict: true })
	expect(messages.map((message) => formatMessage(message, pkg))).toEqual([])
})

test('types and modules resolve to each other wherever ESM does', async () => {
	const result = await checkPackage(
		createPackageFromTarballData(new Uint8Array(readFileSync(tarball)))
	)
	if (!result.types) throw new Error('The package has no types.')
	const problems = result.problems.filter((problem) => !isExpected(problem))
	expect(problems).toEqual([])
})

/** The library is ESM only, and its entries are in `exports` only: both on purpose. */
function isExpected(problem: { kind: string; resolutionKind?: string }): boolean {
	// `require` of ESM works from Node 22 on, and SvelteKit apps are ESM anyway.
	if (problem.kind === 'CJSResolvesToESM') return true
	// Node 10 and TypeScript's `moduleResolution: node10` know nothing of `exports`.
	return problem.kind === 'NoResolution' && problem.resolutionKind === 'node10'
}
