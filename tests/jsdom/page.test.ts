import {
	flushPromises,
	manualClock,
	memoryPage,
	mockSource,
	restoreAll
} from 'sveltekit-sse/testing'
import { afterEach, expect, test } from 'vitest'

afterEach(restoreAll)

test('a real page can be hidden and shown, and is left as it was', async () => {
	const clock = manualClock()
	const before = [document.baseURI, document.hidden, navigator.onLine]
	const page = memoryPage()
	const connection = mockSource(undefined, { hidden: { pauseAfter: 0 } })
	connection.connect()
	await flushPromises()
	await page.hide()
	await clock.advance(0)
	expect([connection.status, document.hidden]).toEqual(['reconnecting', true])
	await page.show()
	expect([connection.status, document.hidden]).toEqual(['open', false])
	await page.offline()
	expect(navigator.onLine).toBe(false)
	restoreAll()
	expect([document.baseURI, document.hidden, navigator.onLine]).toEqual(before)
})
