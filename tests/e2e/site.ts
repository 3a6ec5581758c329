import type { Browser, BrowserContextOptions, Page } from 'playwright'
import { expect, inject, test as base } from 'vitest'
import { launch } from './app.js'

export { expect }

/** Pages that open their stream only when they are told to. */
export const patient = ['/tokens']

/** Milliseconds; pages, servers and tests share a machine that has much else to do. */
const patience = 20_000

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
		return this.page.getByTestId(id).first().innerText({ timeout: patience })
	}

	async number(id: string): Promise<number> {
		return Number(await this.text(id))
	}

	/** Waits until the text is this one, or like this one. */
	async shows(id: string, wanted: string | RegExp): Promise<void> {
		const look = expect.poll(() => this.text(id), { interval: 25, message: id })
		if (typeof wanted === 'string') await look.toBe(wanted)
		else await look.toMatch(wanted)
	}

	/** Waits until the number is at least this one. */
	async reaches(id: string, wanted: number): Promise<void> {
		const look = expect.poll(() => this.number(id), { interval: 25, message: id })
		await look.toBeGreaterThanOrEqual(wanted)
	}

	/**
	 * Looks from inside of the page, where nothing is missed that is shown for a moment only: begins at once, and what it
	 * returns gives the texts at the first moment at which that of `id` is like this one.
	 */
	async watch<I extends string>(
		id: string,
		wanted: RegExp,
		ids: I[],
		press = ''
	): Promise<() => Promise<Record<I, string>>> {
		const options = { id, wanted: wanted.source, ids, press, patience }
		const begun = await this.page.evaluateHandle(watchInPage, options)
		return async () => (await begun.evaluate(({ seen }) => seen)) as Record<I, string>
	}

	async status(wanted: string): Promise<void> {
		await this.shows('status', new RegExp(`\\b${wanted}$`))
	}

	press(name: string | RegExp): Promise<void> {
		return this.page.getByRole('button', { name }).first().click()
	}

	/** Pixels by which the page is wider than the window, in its own fonts. */
	overflow(): Promise<number> {
		return this.page.evaluate(async () => {
			await document.fonts.ready
			return Math.max(0, document.documentElement.scrollWidth - window.innerWidth)
		})
	}
}

interface WatchOptions {
	id: string
	wanted: string
	ids: string[]
	/** The button to press at that moment, if any. */
	press: string
	patience: number
}

function watchInPage({ id, wanted, ids, press, patience }: WatchOptions) {
	const { promise, resolve, reject } = Promise.withResolvers<Record<string, string>>()
	const text = (id: string) =>
		document.querySelector<HTMLElement>(`[data-testid=${id}]`)!.innerText.trim()
	const look = () => {
		if (!new RegExp(wanted).test(text(id))) return
		observer.disconnect()
		clearTimeout(timer)
		resolve(Object.fromEntries(ids.map((id) => [id, text(id)])))
		const buttons = [...document.querySelectorAll('button')]
		if (press) buttons.find(({ innerText }) => innerText.trim() === press)!.click()
	}
	const observer = new MutationObserver(look)
	const timer = setTimeout(() => reject(new Error(`${id} was never ${wanted}`)), patience)
	observer.observe(document.body, { subtree: true, childList: true, characterData: true })
	look()
	return { seen: promise }
}

interface Fixtures {
	browser: Browser
	/**
	 * Opens a page of the site, or of another, in a browser of its own, as far as cookies and connections go, and waits
	 * until its buttons do something.
	 */
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
			const browser = await launch()
			await use(browser)
			await browser.close()
		},
		{ scope: 'file' }
	],
	visit: async ({ browser }, use) => {
		const visits: { visit: Visit; errors: RegExp | undefined }[] = []
		await use(async (path, { errors, ...options } = {}) => {
			const context = await browser.newContext(options)
			context.setDefaultTimeout(3 * patience)
			const visit = new Visit(await context.newPage())
			visits.push({ visit, errors })
			await visit.page.goto(new URL(path, inject('baseUrl')).href)
			if (options.javaScriptEnabled !== false)
				await visit.page.locator('html[data-hydrated]').waitFor()
			return visit
		})
		for (const { visit } of visits) await visit.page.context().close()
		const unwanted = visits.flatMap(({ visit, errors }) =>
			visit.errors.filter((error) => !errors?.test(error))
		)
		expect(unwanted).toEqual([])
	}
})
