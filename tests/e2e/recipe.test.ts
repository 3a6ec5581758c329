import { startFaultProxy } from 'sveltekit-sse/testing/node'
import { expect, test } from 'vitest'
import { launch, port } from './app.js'

test('the page says that the connection is lost, and goes on when it is back', async () => {
	await using proxy = await startFaultProxy(port)
	await using browser = await launch()
	const page = await browser.newPage()
	await page.goto(`${proxy.url}/clock`)
	const status = page.getByRole('status').first()
	await status.getByText('open').waitFor()
	proxy.refuse()
	proxy.cut()
	await status.getByText('reconnecting').waitFor()
	await proxy.accept()
	await status.getByText('open').waitFor()
	expect(proxy.open).toBeGreaterThan(0)
})
