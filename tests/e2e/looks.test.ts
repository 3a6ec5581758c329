import axe, { type AxeResults } from 'axe-core'
import { describe } from 'vitest'
import { entries } from '../../src/demo/navigation.js'
import { expect, patient, test, type Visit } from './site.js'

// Not run once more on the other major version of SvelteKit: what a page looks like does not depend on that.

const paths = ['/', ...entries.map(({ path }) => path)]

interface WithAxe {
	axe: { run(context: { exclude: string[] }): Promise<AxeResults> }
}

/** What is in the way of people with disabilities; at least what a machine can see of it. */
async function violations(visit: Visit, exclude: string[] = []): Promise<string[]> {
	await visit.page.evaluate(axe.source)
	const { violations, passes } = await visit.page.evaluate(
		(exclude) => (window as unknown as WithAxe).axe.run({ exclude }),
		exclude
	)
	// Had it not understood our colours, it would have nothing against them.
	expect(passes.map(({ id }) => id)).toContain('color-contrast')
	return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`))
}

describe.for(paths)('%s', (path) => {
	// Thousands of coloured words take their time, and are coloured alike on every page.
	const exclude = path === '/clock' ? [] : ['pre code']

	test('opens its stream, in every size and colour, for everyone', async ({ visit }) => {
		const look = async (colorScheme: 'light' | 'dark', width: number, height: number) => {
			const options = { viewport: { width, height }, colorScheme, reducedMotion: 'reduce' } as const
			const view = await visit(path, options)
			await view.status(patient.includes(path) ? 'idle' : 'open')
			expect(await view.overflow()).toBe(0)
			expect(await violations(view, exclude)).toEqual([])
		}
		await Promise.all([look('light', 1280, 800), look('dark', 375, 700)])
	})
})
