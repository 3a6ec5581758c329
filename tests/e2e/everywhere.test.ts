import type { Page } from 'playwright'
import { describe, inject } from 'vitest'
import { entries } from '../../src/demo/navigation.js'
import { expect, patient, test } from './site.js'

async function html(path: string): Promise<string> {
	const response = await fetch(inject('baseUrl') + path)
	expect(response.status).toBe(200)
	return response.text()
}

async function served(): Promise<{ streams: number }> {
	const response = await fetch(`${inject('baseUrl')}/status`)
	return response.json() as Promise<{ streams: number }>
}

/** What has the keyboard: moving it is the browser's own work, done some time after a key is pressed. */
const focused = (page: Page) => page.locator(':focus')

describe('rendered on the server', () => {
	test('pages are whole, and no stream is opened for them', async () => {
		const before = await served()
		for (const { path, title, summary } of entries) {
			const text = await html(path)
			expect(text).toContain(`<h1>${title}</h1>`)
			expect(text).toContain(summary)
			expect(text).toContain('+page.svelte')
		}
		expect(await html('/clock')).toMatch(/<time[^>]*>\d\d:\d\d:\d\d<\/time>/)
		expect(await html('/')).toMatch(/data-testid="visitors">\d+</)
		expect((await served()).streams).toBe(before.streams)
	})

	test('pages can be read without JavaScript', async ({ visit }) => {
		const clock = await visit('/clock', { javaScriptEnabled: false })
		await clock.shows('time', /^\d\d:\d\d:\d\d$/)
		await clock.status('idle')
		await clock.page.getByText('return produce(function start').waitFor()
		expect(clock.streams).toEqual([])
	})

	test('an address that leads nowhere says so', async ({ visit }) => {
		const lost = await visit('/nowhere', { errors: /404/ })
		await lost.page.getByRole('heading', { name: 'There is no such page' }).waitFor()
		await lost.page.getByRole('link', { name: 'Back to the start' }).click()
		await lost.status('open')
	})
})

describe('finding one’s way', () => {
	test('every page leads to the next, and leaving one closes its stream', async ({ visit }) => {
		const tour = await visit(entries[0]!.path)
		const { page } = tour
		const open = new Set<string>()
		page.on('request', (request) => open.add(request.url()))
		page.on('requestfailed', (request) => open.delete(request.url()))
		page.on('requestfinished', (request) => open.delete(request.url()))
		for (const { path, title } of entries.slice(1)) {
			await page.getByRole('link', { name: `Next ${title}` }).click()
			await page.waitForURL(`**${path}`)
			await page.getByRole('heading', { level: 1, name: title }).waitFor()
			if (!patient.includes(path)) await tour.status('open')
			await expect.poll(() => [...open].filter((url) => !url.includes(`${path}/`))).toEqual([])
		}
	})

	test('the keyboard reaches content, tabs and code', async ({ visit }) => {
		const { page } = await visit('/clock')
		await page.keyboard.press('Tab')
		await page.getByRole('link', { name: 'Skip to content' }).and(focused(page)).waitFor()
		await page.keyboard.press('Enter')
		await page.getByRole('main').and(focused(page)).waitFor()

		await page.getByRole('tab', { name: '+page.svelte', exact: true }).focus()
		await page.keyboard.press('ArrowRight')
		await page.getByRole('tabpanel', { name: 'events/+server.ts' }).waitFor()
		await page.keyboard.press('End')
		await page.getByRole('tabpanel', { name: '+page.server.ts' }).waitFor()
		await page.keyboard.press('Tab')
		await page.getByRole('region', { name: '+page.server.ts' }).and(focused(page)).waitFor()
	})

	test('the menu shows the page that one is on, however low the window', async ({ visit }) => {
		const { page } = await visit('/break-it', { viewport: { width: 1280, height: 300 } })
		const menu = page.getByRole('navigation', { name: 'Pages' })
		const isInSight = (name: string) =>
			menu.getByRole('link', { name, exact: true }).evaluate((link) => {
				const { top, bottom } = link.getBoundingClientRect()
				// Scrolling goes by whole pixels.
				return top > -1 && bottom < window.innerHeight + 1
			})
		await expect.poll(() => isInSight('Break it')).toBe(true)
		await page.getByRole('link', { name: 'sveltekit-sse', exact: true }).click()
		await expect.poll(() => isInSight('Home')).toBe(true)
		await expect.poll(() => page.evaluate(() => window.scrollY)).toBe(0)
	})

	test('on a phone the menu opens, leads on, and closes', async ({ visit }) => {
		const { page } = await visit('/', { viewport: { width: 375, height: 700 } })
		const list = page.getByRole('navigation', { name: 'Pages' })
		expect(await list.count()).toBe(0)
		await page.getByText('Menu', { exact: true }).click()
		await list.getByRole('link', { name: 'Live list' }).click()
		await page.getByRole('heading', { level: 1, name: 'Live list' }).waitFor()
		await expect.poll(() => list.count()).toBe(0)
	})

	test('colours can be chosen, and stay chosen', async ({ visit }) => {
		const { page } = await visit('/', { colorScheme: 'light' })
		const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
		const light = await background()
		await page.getByRole('button', { name: 'Colours: system' }).click()
		await page.getByRole('button', { name: 'Colours: light' }).click()
		await page.getByRole('button', { name: 'Colours: dark' }).waitFor()
		await expect.poll(background).not.toBe(light)
		await page.reload()
		await page.getByRole('button', { name: 'Colours: dark' }).waitFor()
		await expect.poll(background).not.toBe(light)
	})
})
