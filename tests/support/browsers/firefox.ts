import { launch } from 'puppeteer-core'
import { needTool } from '../tools.js'
import { Page, type Browser } from './page.js'

/** Starts a headless Firefox, driven by Puppeteer over WebDriver BiDi. */
export async function startFirefox(): Promise<Browser> {
	const browser = await launch({
		browser: 'firefox',
		executablePath: await needTool('firefox'),
		headless: true,
		timeout: 90_000,
		acceptInsecureCerts: true
	})
	const close = () => browser.close()
	return {
		engine: 'firefox',
		async open(url) {
			const tab = await browser.newPage()
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
