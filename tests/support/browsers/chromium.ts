import { chromium } from 'playwright'
import { chromiumArgs, ensureBrowser } from '../../../scripts/browser.mjs'
import { Page, patience, type Browser } from './page.js'

/** Starts a headless Chromium, driven by Playwright. */
export async function startChromium(): Promise<Browser> {
	const browser = await chromium.launch({
		executablePath: await ensureBrowser({ keepsPages: true }),
		args: chromiumArgs,
		timeout: patience,
		// Playwright switches off what browsers do when people go back.
		ignoreDefaultArgs: ['--disable-back-forward-cache']
	})
	const context = await browser.newContext({ ignoreHTTPSErrors: true })
	context.setDefaultTimeout(patience)
	const close = () => browser.close()
	return {
		engine: 'chromium',
		async open(url) {
			const tab = await context.newPage()
			const page = new Page({
				goto: async (url) => void (await tab.goto(url)),
				evaluate: (expression) => tab.evaluate(expression),
				click: (selector) => tab.click(selector),
				screenshot: () => tab.screenshot(),
				close: () => tab.close()
			})
			await page.goto(url)
			return page
		},
		close,
		[Symbol.asyncDispose]: close
	}
}
