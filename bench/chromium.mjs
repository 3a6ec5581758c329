// A Chromium with the page that measures the client, one tab for each contestant.

import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { chromium } from 'playwright'
import { chromiumArgs, findBrowser } from '../scripts/browser.mjs'
import { page as folder } from './build.mjs'

/** @typedef {{ who: string, goal: string, events: number, bursts: number, channels?: number }} Order */

// Isolated from others, a page is given a clock of microseconds.
const headers = {
	'cross-origin-opener-policy': 'same-origin',
	'cross-origin-embedder-policy': 'require-corp'
}

const html = '<!doctype html><body><script type="module" src="/page.js"></script>'

/** @type {import('node:http').RequestListener} */
function serve({ url = '/' }, response) {
	const isPage = url === '/'
	const file = join(folder(), url)
	if (!isPage && !existsSync(file)) return void response.writeHead(404).end()
	const type = isPage ? 'text/html; charset=utf-8' : 'text/javascript'
	response.writeHead(200, { ...headers, 'content-type': type })
	response.end(isPage ? html : readFileSync(file))
}

export class Chromium {
	#browser
	#server
	#url

	/** @param {import('playwright').Browser} browser @param {import('node:http').Server} server @param {string} url */
	constructor(browser, server, url) {
		this.#browser = browser
		this.#server = server
		this.#url = url
	}

	/** @throws when there is no Chromium */
	static async start() {
		const executablePath = await findBrowser()
		if (!executablePath) throw new Error('there is no Chromium; npm run test:browser installs one')
		const server = createServer(serve)
		await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)))
		const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
		const browser = await chromium.launch({ executablePath, args: chromiumArgs })
		return new Chromium(browser, server, `http://127.0.0.1:${port}/`)
	}

	async tab() {
		// A context each: tabs of one context may share a process, and with it the compiled code.
		const context = await this.#browser.newContext()
		const page = await context.newPage()
		await page.goto(this.#url)
		await page.waitForFunction('globalThis.bench')
		const devtools = await context.newCDPSession(page)
		return {
			/** @param {Order} order @returns {Promise<number[]>} milliseconds of each burst */
			run: (order) => page.evaluate(`bench.run(${JSON.stringify(order)})`),
			close: () => page.evaluate('bench.close()'),
			/** Bytes that the page's heap holds after a collection. */
			async heap() {
				await devtools.send('HeapProfiler.collectGarbage')
				return (await devtools.send('Runtime.getHeapUsage')).usedSize
			}
		}
	}

	async stop() {
		await this.#browser.close()
		this.#server.close()
		this.#server.closeAllConnections()
	}
}
