import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missingRegistry } from '../../scripts/registry.mjs'
import { cloudflare, documented } from '../examples/documents.js'
import { App, type Server } from '../support/app.js'
import { titled } from '../support/tools.js'
import { launchChromium, visit, type Browser } from '../support/watched-page.js'

const missing = await missingRegistry()

describe.skipIf(missing)(titled('the app of docs/cloudflare.md', missing), () => {
	let app: App
	let browser: Browser
	beforeAll(async () => {
		app = await App.make(2, 'cloudflare')
		const { files, shown } = documented(cloudflare, 2)
		for (const path of shown) app.write(path, files.get(path)!)
		await app.run('gen')
		await app.run('check')
		await app.run('build')
		browser = await launchChromium()
	})
	afterAll(async () => {
		await browser?.close()
		await app?.[Symbol.asyncDispose]()
	})

	/** What one visitor does is seen by both. */
	async function seeOneAnother(server: Server): Promise<void> {
		await using ann = await visit(browser, server.url)
		await using bob = await visit(browser, server.url)
		const both = [ann, bob]
		for (const { read } of both) await expect.poll(read).toMatch(/^open/)
		const orders = () =>
			Promise.all(both.map(async ({ read }) => (await read()).match(/\d+/g) ?? []))
		for (const [before, { page }] of both.entries()) {
			await page.getByRole('button', { name: 'Order' }).click()
			await expect
				.poll(async () => (await orders()).map(({ length }) => length))
				.toEqual([before + 1, before + 1])
			const [seenByAnn, seenByBob] = await orders()
			expect(seenByAnn).toEqual(seenByBob)
		}
	}

	test('shows what one visitor does to both', async () => {
		await using server = await app.start('workers')
		await seeOneAnother(server)
	})

	test('does so in development, beside the Worker of the hub', async () => {
		await using _ = await app.start('hub')
		await using server = await app.start('dev')
		await seeOneAnother(server)
	})
})
