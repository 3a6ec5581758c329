import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { majors } from '../../scripts/kit.mjs'
import { fileOf } from '../examples/documents.js'
import { App, type Server } from '../support/app.js'
import { titled } from '../support/tools.js'
import { launchChromium, visit, type Browser } from '../support/watched-page.js'
import { missingRegistry } from '../../scripts/registry.mjs'

const missing = await missingRegistry()
const title = titled('a new project on SvelteKit %s', missing)

/** The two files that the README begins with. */
const firstSteps = ['src/routes/clock/+server.ts', 'src/routes/+page.svelte']

// A newcomer sets no origin, no variable but the port, and no plugin: these tests set none either.
describe.skipIf(missing).each(majors)(title, (major) => {
	let app: App
	let browser: Browser

	beforeAll(async () => {
		app = await App.make(major, 'newcomer')
		for (const path of firstSteps) app.write(path, fileOf('README.md', path, major))
		app.copy(new URL('app', import.meta.url))
		browser = await launchChromium()
	})
	afterAll(async () => {
		await browser?.close()
		await app?.[Symbol.asyncDispose]()
	})

	/** Opens the page of the README, and sees the time change. */
	async function showsTheTime(url: string): Promise<void> {
		await using visited = await visit(browser, url)
		const time = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/
		await expect.poll(visited.read).toMatch(time)
		const first = await visited.read()
		await expect.poll(visited.read).not.toBe(first)
		expect(await visited.read()).toMatch(time)
	}

	test('type-checks with the first two files of the README', async () => {
		await app.run('check', '--fail-on-warnings')
	})

	test('shows the time in development', async () => {
		await using server = await app.start('dev')
		await showsTheTime(server.url)
	})

	describe('built with adapter-node', () => {
		let server: Server
		beforeAll(async () => {
			await app.run('build')
			server = await app.start('build')
		})

		test.for(['localhost', '127.0.0.1'])('shows the time on http://%s', async (host) => {
			await showsTheTime(`http://${host}:${server.port}`)
		})

		test('shows the time in the preview', async () => {
			await using preview = await app.start('preview')
			await showsTheTime(preview.url)
		})

		test('streams to any client', async () => {
			const response = await fetch(`${server.url}/count`, {
				method: 'POST',
				headers: { 'content-type': 'application/json' }
			})
			expect(response.headers.get('content-type')).toBe('text/event-stream')
			let text = ''
			for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
				text += chunk
				if (text.includes('data: 3\n\n')) break
			}
			const data = text.split('\n').filter((line) => line.startsWith('data: '))
			// More may have come with the third.
			expect(data.slice(0, 3)).toEqual(['data: 1', 'data: 2', 'data: 3'])
		})

		test('streams to a page, as state and as a store', async () => {
			await using visited = await visit(browser, `${server.url}/state`)
			await expect.poll(visited.read).toMatch(/^open\s+([3-9]|\d\d)\s/)
			const shown = await visited.page.evaluate(() =>
				['current', 'store', 'doubled', 'status'].map(
					(id) => document.querySelector(`[data-testid=${id}]`)!.textContent
				)
			)
			const count = Number(shown[0])
			expect(shown).toEqual([`${count}`, `${count}`, `${count * 2}`, 'open'])
			expect(visited.complaints).toEqual([])
		})
	})
})
