import { rm } from 'node:fs/promises'
import { launch } from 'puppeteer-core'
import { temporaryDirectory } from '../servers/temporary.js'
import { watchOver } from '../servers/watchdog.js'
import { needTool } from '../tools.js'
import { Page, patience, type Browser } from './page.js'

/** Starts a headless Firefox, driven by Puppeteer over WebDriver BiDi. */
export async function startFirefox(): Promise<Browser> {
	const dir = await temporaryDirectory('firefox')
	const browser = await launch({
		browser: 'firefox',
		executablePath: await needTool('firefox'),
		headless: true,
		timeout: patience,
		userDataDir: dir,
		acceptInsecureCerts: true
	})
	// It lives on when the tests are killed: nothing but a socket ties it to them.
	const callOff = watchOver(browser.process()!.pid!, dir)
	const close = async () => {
		await browser.close()
		callOff()
		await rm(dir, { recursive: true, force: true, maxRetries: 5 })
	}
	return {
		engine: 'firefox',
		async open(url) {
			const tab = await browser.newPage()
			tab.setDefaultTimeout(patience)
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
