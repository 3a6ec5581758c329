import { chromium, type Browser, type Page } from 'playwright'
import { chromiumArgs, ensureBrowser } from '../../scripts/browser.mjs'

export type { Browser, Page }

/** @param options `keepsPages`: with a back/forward cache, which Playwright switches off. */
export async function launchChromium({ keepsPages = false } = {}): Promise<Browser> {
	const executablePath = await ensureBrowser({ keepsPages })
	const ignoreDefaultArgs = keepsPages ? ['--disable-back-forward-cache'] : []
	return chromium.launch({ executablePath, args: chromiumArgs, ignoreDefaultArgs, timeout: 90_000 })
}

/** A page, and all that it complained of: errors in its console, and those that nobody caught. */
export interface WatchedPage extends AsyncDisposable {
	page: Page
	complaints: string[]
	/** What is to be read in the page; the first complaint instead, if there is one. */
	read(): Promise<string>
}

/** Opens a page as a visitor does, in a context of its own. */
export async function visit(browser: Browser, url: string): Promise<WatchedPage> {
	const page = await browser.newPage()
	const complaints: string[] = []
	page.on('pageerror', (error) => complaints.push(String(error)))
	page.on('console', (message) => {
		if (message.type() !== 'error') return
		complaints.push(`${message.text()} (${message.location().url})`)
	})
	await page.goto(url)
	const read = async () => complaints[0] ?? (await page.locator('body').innerText())
	return { page, complaints, read, [Symbol.asyncDispose]: () => page.close() }
}
