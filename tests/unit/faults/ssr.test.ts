import { render } from 'svelte/server'
import { describe, expect, test, vi } from 'vitest'
import Next from '../../browser/components/Next.asvelte'
import NextPending from '../../browser/components/NextPending.svelte'
import { source } from '../../../src/lib/index.js'

/** What is rendered, or that it has not been in time: nothing that waits for an event may hold a page up. */
async function rendered(component: typeof Next): Promise<string> {
	const page = Promise.resolve(render(component, { props: { connection: source('/events') } }))
	const late = new Promise<never>((_, reject) =>
		setTimeout(() => reject(new Error('It is still being rendered.')), 5_000).unref()
	)
	return (await Promise.race([page, late])).body
}

// `source() opens nothing on a server` failed the whole page.
describe('`await channel.next()` in a component does not fail the rendering on a server', () => {
	test('on its own', async () => {
		expect(await rendered(Next)).toContain('<h1>Next</h1>')
	})

	test('in a boundary that shows something while it waits', async () => {
		const body = await rendered(NextPending)
		expect(body).toContain('<h2>Around</h2>')
		expect(body).toContain('waiting')
	})

	test('and requests nothing', async () => {
		const fetch = vi.spyOn(globalThis, 'fetch')
		await rendered(NextPending)
		expect(fetch).not.toHaveBeenCalled()
		fetch.mockRestore()
	})
})
