import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright'
import { expect, inject, test as base } from 'vitest'
import { chromiumArgs } from '../../scripts/browser.mjs'

export { expect }

/** One page of the demo site, as a visitor has it before them. */
export class Visit {
	readonly page: Page
	/** What the browser's console would show in red. */
	readonly errors: string[] = []
	/** The paths of the requests for streams. */
	readonly streams: string[] = []

	constructor(page: Page) {
		this.page = page
		page.on('console', (message) => {
			if (message.type() === 'error') this.errors.push(message.text())
		})
		page.on('pageerror', (error) => this.errors.push(error.message))
		page.on('request', (request) => {
			if (request.headers()['accept'] === 'text/event-stream')
				this.streams.push(new URL(request.url()).pathname)
		})
	}

	text(id: string): Promise<string> {
		return this.page.getByTestId(id).first().innerText({ timeout: 5_000 })
	}

	async number(id: string): Promise<number> {
		return Number(await this.text(id))
	}

	/** Waits until the text is this one, or like this one. */
	async shows(id: string, wanted: string | RegExp, timeout = 10_000): Promise<void> {
		const look = expect.poll(() => this.text(id), { timeout, interval: 25, message: id })
		if (typeof wanted === 'string') await look.toBe(wanted)
		else await look.toMatch(wanted)
	}

	/** Waits until the number is at least this one. */
	async reaches(id: string, wanted: number, timeout = 10_000): Promise<void> {
		await expect
			.poll(() => this.number(id), { timeout, interval: 25, message: id })
			.toBeGreaterThanOrEqual(wanted)
	}

	async status(wanted: string, timeout?: number): Promise<void> {
		await this.shows('status', new RegExp(`\\b${wanted}$`), timeout)
	}

	press(name: string | RegExp): Promise<void> {
		return this.page.getByRole('button', { name }).first().click()
	}

	/** Pixels by which the page is wider than the window. */
	overflow(): Promise<number> {
		return this.page.evaluate(() =>
			Math.max(0, document.documentElement.scrollWidth - window.innerWidth)
		)
	}
}

interface Fixtures {
	browser: Browser
	/** Opens a page of the site, or of another, in a browser of its own, as far as cookies and connections go. */
	visit(path: string, options?: VisitOptions): Promise<Visit>
}

interface VisitOptions extends BrowserContextOptions {
	/** Errors that belong to the test, such as a response of 401. */
	errors?: RegExp
}

export const test = base.extend<Fixtures>({
	browser: [
		// eslint-disable-next-line no-empty-pattern -- Vitest reads from it what the fixture needs
		async ({}, use) => {
			const executablePath = inject('chromiumPath')
			const browser = await chromium.launch({ executablePath, args: chromiumArgs })
			await use(browser)
			await browser.close()
		},
		{ scope: 'file' }
	],
	visit: async ({ browser }, use) => {
		const visits: { visit: Visit; errors: RegExp | undefined }[] = []
		await use(async (path, { errors, ...options } = {}) => {
			const context = await browser.newContext(options)
			const visit = new Visit(await context.newPage())
			visits.push({ visit, errors })
			await visit.page.goto(new URL(path, inject('baseUrl')).href)
			return visit
		})
		for (const { visit } of visits) await visit.page.context().close()
		const unwanted = visits.flatMap(({ visit, errors }) =>
			visit.errors.filter((error) => !errors?.test(error))
		)
		expect(unwanted).toEqual([])
	}
})
