import { ensureBrowser } from '../../scripts/browser.mjs'
import { startChromium } from './browsers/chromium.js'
import { startFirefox } from './browsers/firefox.js'
import type { Browser } from './browsers/page.js'
import { startWebkit } from './browsers/webkit.js'
import { missingTools } from './tools.js'

export type { Browser, Page } from './browsers/page.js'

/** The browser engines of this world. */
export type Engine = Browser['engine']

export const engines: readonly Engine[] = ['chromium', 'firefox', 'webkit']

const starters: Record<Engine, () => Promise<Browser>> = {
	chromium: startChromium,
	firefox: startFirefox,
	webkit: startWebkit
}

/**
 * Starts a real browser without a window. Certificates are not checked.
 *
 * @example
 * ```ts
 * await using browser = await startBrowser('firefox')
 * const page = await browser.open(server.url)
 * await page.waitForText('#status', 'open')
 * ```
 */
export function startBrowser(engine: Engine): Promise<Browser> {
	return starters[engine]()
}

/** Why tests in this engine are skipped; `undefined` if it is there or could be installed. */
export async function missingBrowser(engine: Engine): Promise<string | undefined> {
	if (engine === 'firefox') return missingTools('firefox')
	if (engine === 'webkit') return missingTools('WebKitWebDriver', 'Xvfb')
	try {
		await ensureBrowser()
		return undefined
	} catch (error) {
		return (error as Error).message
	}
}
