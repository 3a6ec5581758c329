import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { engines, missingBrowser, startBrowser, type Browser } from '../../support/browsers.js'
import { startHttpServer, type HttpServer } from '../../support/http-server.js'
import { missingNginx, startNginx } from '../../support/nginx.js'
import { titled } from '../../support/tools.js'

const page = `<!doctype html>
<title>Support</title>
<button onclick="this.textContent = 'clicked'">click me</button>
<p> some text </p>
<output></output>`

const noNginx = await missingNginx()

/** A page, and a stream that says a number whenever it is told to. */
function site() {
	const encoder = new TextEncoder()
	let say = (_number: number) => {}
	const handler = (request: Request) => {
		if (!request.url.endsWith('/stream')) {
			return new Response(page, { headers: { 'content-type': 'text/html' } })
		}
		const body = new ReadableStream({
			start(controller) {
				say = (number) => controller.enqueue(encoder.encode(`data: ${number}\n\n`))
				say(0)
			}
		})
		return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
	}
	return { handler, say: (number: number) => say(number) }
}

for (const engine of engines) {
	const missing = await missingBrowser(engine)
	// In this order: WebKit hides every tab but its first, and never finishes a picture of one that is hidden.
	describe.skipIf(missing)(titled(engine, missing), { timeout: 60_000, shuffle: false }, () => {
		const { handler, say } = site()
		let server: HttpServer
		let browser: Browser

		beforeAll(async () => {
			server = await startHttpServer(handler)
			browser = await startBrowser(engine)
		}, 120_000)

		afterAll(async () => {
			await browser?.close()
			await server?.kill()
		}, 60_000)

		test('opens a page, reads it, clicks in it and takes its picture', async () => {
			const tab = await browser.open(server.url)
			expect(await tab.evaluate(() => document.title)).toBe('Support')
			expect(await tab.text('p')).toBe('some text')
			await expect(tab.text('h1')).rejects.toThrow('Nothing in the page matches h1.')
			await tab.click('button')
			expect(await tab.waitForText('button', /^clicked$/)).toBe('clicked')
			const picture = await tab.screenshot()
			expect(Buffer.from(picture.subarray(1, 4)).toString()).toBe('PNG')
			await tab.close()
		})

		test('awaits promises in the page, and brings their values and errors back', async () => {
			const tab = await browser.open(server.url)
			const value = { list: [1, 'two', null], deep: { yes: true } }
			expect(await tab.evaluate(`Promise.resolve(${JSON.stringify(value)})`)).toEqual(value)
			await expect(tab.evaluate('Promise.reject(new Error("no"))')).rejects.toThrow('no')
			await expect(tab.waitFor('false', 100)).rejects.toThrow('Not within 100 ms')
			await tab.close()
		})

		test('reads a stream piece by piece while it is open', async () => {
			const tab = await browser.open(server.url)
			await tab.evaluate(async () => {
				const output = document.querySelector('output')!
				const { body } = await fetch('/stream')
				const reader = body!.pipeThrough(new TextDecoderStream()).getReader()
				const next = async (): Promise<void> => {
					const { value, done } = await reader.read()
					output.textContent += (value ?? '').replaceAll('\n', '')
					if (!done) await next()
				}
				void next()
			})
			await tab.waitForText('output', 'data: 0')
			say(1)
			await tab.waitForText('output', 'data: 0data: 1')
			await tab.close()
			await expect.poll(() => server.requests).toBeGreaterThan(1)
		})

		test.skipIf(noNginx)('speaks HTTP/2 with a certificate that nobody vouches for', async () => {
			await using nginx = await startNginx({ upstreams: [server.port] })
			const tab = await browser.open(nginx.secureUrl)
			const protocol = await tab.evaluate(() => {
				const [entry] = performance.getEntriesByType('navigation')
				return (entry as PerformanceNavigationTiming).nextHopProtocol
			})
			expect(protocol).toBe('h2')
			await tab.close()
		})

		test('keeps two tabs apart, with one storage', async () => {
			const [one, other] = [await browser.open(server.url), await browser.open(server.url)]
			await one.evaluate(() => {
				document.title = 'one'
				localStorage.setItem('engine', 'shared')
			})
			expect(await other.evaluate(() => document.title)).toBe('Support')
			// It may be in another process, which hears of it a moment later.
			await other.waitFor(`localStorage.getItem('engine') === 'shared'`)
			await other.close()
			expect(await one.evaluate(() => document.title)).toBe('one')
			await one.close()
		})
	})
}
