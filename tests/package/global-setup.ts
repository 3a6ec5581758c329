import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { root } from '../../scripts/install.mjs'
import { packLibrary } from '../../scripts/pack.mjs'

/** The packed library: its tarball, and an app with the library unpacked in its node_modules. */
export interface Packed {
	tarball: string
	app: string
	library: string
}

declare module 'vitest' {
	interface ProvidedContext {
		packed: Packed
	}
}

/** Packs the library as npm would publish it, and unpacks it where a user would have it. */
export default async function setup(project: TestProject) {
	const tarball = await packLibrary()
	// Inside node_modules, so that Svelte and the rest are found further up.
	const cache = join(root, 'node_modules', '.cache')
	const app = mkdtempSync(join(cache, 'package-test-'))
	const library = join(app, 'node_modules', 'sveltekit-sse')
	mkdirSync(library, { recursive: true })
	writeFileSync(join(app, 'package.json'), '{ "type": "module", "private": true }')
	execFileSync('tar', ['-xzf', tarball, '-C', library, '--strip-components=1'])
	project.provide('packed', { tarball, app, library })
	return () => rmSync(app, { recursive: true, force: true })
}
