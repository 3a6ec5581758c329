import { chromium } from 'playwright'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chromiumArgs, ensureBrowser } from '../../scripts/browser.mjs'
import { titled } from '../support/tools.js'
import { Fixture } from './fixture.js'
import { missingRegistry } from './registry.js'

const missing = await missingRegistry()
const title = titled('an empty app on %s with the packed library', missing)

describe.skipIf(missing).each(['kit2', 'kit3'])(title, (name) => {
	const fixture = new Fixture(name, 'app')
	beforeAll(() => fixture.install())
	afterAll(() => fixture[Symbol.asyncDispose]())

	test('type-checks', async () => {
		await fixture.run('svelte-kit', 'sync')
		await fixture.run('svelte-check', '--fail-on-warnings')
	})

	test('builds with adapter-node', async () => {
		await fixture.run('vite', 'build')
	})

	describe('served', () => {
		let url: string
		beforeAll(async () => {
			url = await fixture.serve()
		})

		test('streams to any client', async () => {
			const response = await fetch(`${url}/clock`, {
				method: 'POST',
				headers: { origin: url }
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
			const executablePath = await ensureBrowser()
			await using browser = await chromium.launch({ executablePath, args: chromiumArgs })
			const page = await browser.newPage()
			const errors: Error[] = []
			page.on('pageerror', (error) => errors.push(error))
			await page.goto(url)

			const read = (id: string) => page.getByTestId(id).textContent()
			await expect.poll(() => read('current')).toMatch(/^[3-9]|\d\d$/)
			const shown = await page.evaluate(() =>
				['current', 'store', 'doubled', 'status'].map(
					(id) => document.querySelector(`[data-testid=${id}]`)!.textContent
				)
			)
			const count = Number(shown[0])
			expect(shown).toEqual([`${count}`, `${count}`, `${count * 2}`, 'open'])
			expect(errors).toEqual([])
		})

		// The recipe of docs/hub.md.
		if (name === 'kit3')
			test('feeds query.live from a hub, in loops that end with their pages', async () => {
				const executablePath = await ensureBrowser()
				await using browser = await chromium.launch({ executablePath, args: chromiumArgs })
				const order = (id: number) =>
					fetch(`${url}/live/orders`, {
						method: 'POST',
						headers: { 'content-type': 'application/json', origin: url },
						body: JSON.stringify({ id, total: id * 10 })
					})
				const running = async () => (await fetch(`${url}/live/orders`)).json()

				const page = await browser.newPage()
				await page.goto(`${url}/live`)
				const orders = () => page.getByTestId('orders').getByRole('listitem').allInnerTexts()
				await expect.poll(orders).toEqual(['1: 5'])
				await expect.poll(running).toEqual({ running: 1 })

				for (const id of [2, 3]) {
					const response = await order(id)
					expect(await response.json()).toEqual({ error: false })
					await expect.poll(async () => (await orders()).at(-1)).toBe(`${id}: ${id * 10}`)
				}
				await page.close()
				await expect.poll(running).toEqual({ running: 0 })
			})
	})
})
