import { startFaultProxy, type FaultProxy } from 'sveltekit-sse/testing/node'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import {
	engines,
	missingBrowser,
	startBrowser,
	type Browser,
	type Page
} from '../support/browsers.js'
import { titled } from '../support/tools.js'
import { port } from './app.js'

/** Milliseconds; an engine that starts beside others takes its time. */
const patience = 40_000

/** What the page says of itself. */
interface Stand {
	received: number
	missing: number
	repeated: number
	'last-id': number
}

for (const engine of engines) {
	const missing = await missingBrowser(engine)
	describe.skipIf(missing)(titled(`in ${engine}`, missing), { timeout: 3 * patience }, () => {
		let browser: Browser
		let proxy: FaultProxy

		beforeAll(async () => {
			proxy = await startFaultProxy(port)
			browser = await startBrowser(engine)
		}, 240_000)

		afterAll(async () => {
			await browser?.close()
			await proxy?.close()
		})

		/** Opens the page behind the proxy, and waits until numbers come. */
		async function visit(): Promise<Page> {
			const page = await browser.open(`${proxy.url}/break-it`)
			await shows(page, 'status-value', 'open')
			await goesOn(page)
			return page
		}

		test('events arrive as they are sent, and the page says that it is connected', async () => {
			const page = await visit()
			await shows(page, 'status', /open$/)
			await shows(page, 'attempt', '0')
			await isWhole(page)
			await page.close()
		})

		test('the server notices a client that goes elsewhere, and one that closes its tab', async () => {
			for (const leave of [
				(page: Page) => page.goto('about:blank'),
				(page: Page) => page.close()
			]) {
				const page = await browser.open(`${proxy.url}/stop`)
				await shows(page, 'count', /^\d+$/)
				const session = await page.evaluate(
					() => /session:"([^"]+)"/.exec(document.documentElement.innerHTML)![1]!
				)
				await leave(page)
				await logged(session, 'the stream has ended (gone)')
			}
		})

		test('a connection that is cut comes back, and every number comes once', async () => {
			const page = await visit()
			proxy.cut()
			await shows(page, 'history', /lost · cut · comes back in \d+ ms, attempt 1/)
			await shows(page, 'status-value', 'open')
			await shows(page, 'error', '–')
			await isWhole(page)
			await page.close()
		})

		test('one that is dead, though nobody says so, is noticed by its silence', async () => {
			const page = await visit()
			const sent = new Map(proxy.connections.map((connection) => [connection, connection.sent]))
			await goesOn(page)
			// A browser would try idle connections before it makes a new one, and wait for each of them.
			for (const connection of proxy.connections) {
				if (connection.sent > sent.get(connection)!) connection.halfOpen()
				else connection.cut()
			}
			await shows(page, 'history', /lost · silent · comes back in \d+ ms, attempt 1/)
			await shows(page, 'status-value', 'open')
			await isWhole(page)
			await page.close()
		})

		test('while the server is away the page says so, and until when it waits', async () => {
			const page = await visit()
			proxy.refuse()
			proxy.cut()
			await shows(page, 'status-value', 'reconnecting')
			await shows(page, 'history', /failed · network · comes back in \d+ ms, attempt [2-9]/)
			await shows(page, 'error', /\w/)
			await shows(page, 'retry', /^in \d+\.\d s$/)
			await proxy.accept()
			await shows(page, 'status-value', 'open')
			await shows(page, 'retry', '–')
			await isWhole(page)
			await page.close()
		})

		test('what the server says at the end is heeded', async () => {
			const page = await visit()
			await press(page, 'Rotate')
			await shows(page, 'history', /lost · rotate · comes back/)
			await shows(page, 'status-value', 'open')
			await isWhole(page)
			await press(page, 'Finish')
			await shows(page, 'status-value', 'closed')
			await shows(page, 'history', /lost · done · stays closed/)
			await press(page, 'Connect')
			await shows(page, 'status-value', 'open')
			await isWhole(page)
			await page.close()
		})

		test('a page that is left closes its stream, and is live again when one goes back', async () => {
			const page = await visit()
			await page.evaluate('void (window.isSame = true)')
			await page.goto(`${proxy.url}/clock`)
			await shows(page, 'status', /open$/)
			await page.evaluate('void setTimeout(() => history.back())')
			await page.waitFor(`location.pathname === '/break-it'`, patience)
			await shows(page, 'status-value', 'open')
			await isWhole(page)
			// Firefox may make a new page in place of one that had a request under way when it was left.
			if (engine !== 'firefox') expect(await page.evaluate('!!window.isSame')).toBe(true)
			await page.close()
		})

		test('a page that hears `offline` shows it, and keeps a connection that lives on', async () => {
			const page = await visit()
			// As a browser says it that knows; WebKitGTK never does, and goes by the silence.
			await page.evaluate(`void dispatchEvent(new Event('offline'))`)
			await shows(page, 'history', /lost · offline/)
			await shows(page, 'status-value', 'open')
			await isWhole(page)
			await page.close()
		})
	})
}

/** Waits until the server has written this down about a visit to /stop. */
async function logged(session: string, wanted: string): Promise<void> {
	const abort = new AbortController()
	const { body } = await fetch(`${inject('baseUrl')}/stop/log`, {
		method: 'POST',
		headers: { 'session-id': session },
		signal: AbortSignal.any([abort.signal, AbortSignal.timeout(patience)])
	})
	let log = ''
	for await (const text of body!.pipeThrough(new TextDecoderStream())) {
		log += text
		if (log.includes(wanted)) break
	}
	abort.abort()
	expect(log).toContain(wanted)
}

async function shows(page: Page, id: string, wanted: string | RegExp): Promise<void> {
	await page.waitForText(`[data-testid=${id}]`, wanted, patience)
}

function press(page: Page, label: string): Promise<unknown> {
	const found = `[...document.querySelectorAll('button')].find((one) => one.innerText.startsWith('${label}'))`
	return page.waitFor(`!${found}.disabled && (${found}.click(), true)`, patience)
}

/** Waits until four more numbers have come. */
async function goesOn(page: Page): Promise<void> {
	const received = Number(await page.text('[data-testid=received]'))
	const shown = `Number(document.querySelector('[data-testid=received]').textContent)`
	await page.waitFor(`${shown} >= ${received + 4}`, patience)
}

/** Numbers go on coming, and none is missing or came twice. */
async function isWhole(page: Page): Promise<void> {
	await goesOn(page)
	const { received, ...rest } = await page.evaluate<Stand>(
		`Object.fromEntries(['received', 'missing', 'repeated', 'last-id'].map((id) =>
			[id, Number(document.querySelector('[data-testid=' + id + ']').textContent)]))`
	)
	expect(rest).toEqual({ missing: 0, repeated: 0, 'last-id': received })
}
