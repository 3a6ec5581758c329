import { describe, expect, test } from 'vitest'
import { produce, source } from '../../../src/lib/index.js'
import {
	flushPromises,
	manualClock,
	memoryFetch,
	memoryPage,
	restoreAll
} from '../../../src/lib/testing/index.js'
import { restoreAfterEach } from './fixture.js'

restoreAfterEach()

const names = ['document', 'addEventListener', 'removeEventListener', 'dispatchEvent'] as const
const present = () => names.filter((name) => name in globalThis)

describe('memoryPage', () => {
	test('is there until it is taken away', () => {
		expect(present()).toEqual([])
		const page = memoryPage({ url: 'http://app.test/a/b' })
		expect(present()).toEqual(names)
		expect([document.baseURI, document.hidden, document.visibilityState, navigator.onLine]).toEqual(
			['http://app.test/a/b', false, 'visible', true]
		)
		page.restore()
		expect([present(), navigator.onLine]).toEqual([[], undefined])
		memoryPage()
		restoreAll()
		expect(present()).toEqual([])
	})

	test('says what is the case before it tells of it', async () => {
		using page = memoryPage()
		const log: unknown[] = []
		for (const type of ['offline', 'online', 'pagehide', 'pageshow'])
			addEventListener(type, () => log.push([type, navigator.onLine]))
		for (const type of ['visibilitychange', 'resume'])
			document.addEventListener(type, () => log.push([type, document.visibilityState]))
		await page.offline()
		expect([page.isOnline, page.isHidden]).toEqual([false, false])
		await page.online()
		await page.hide()
		expect([page.isOnline, page.isHidden]).toEqual([true, true])
		await page.resume()
		await page.show()
		await page.leave()
		await page.comeBack()
		expect(log).toEqual([
			['offline', false],
			['online', true],
			['visibilitychange', 'hidden'],
			['resume', 'hidden'],
			['visibilitychange', 'visible'],
			['pagehide', true],
			['pageshow', true]
		])
	})

	test('pauses a connection that is to be paused while it is hidden', async () => {
		using clock = manualClock()
		using page = memoryPage({ url: 'http://app.test/orders/' })
		const fetch = memoryFetch(() => produce(() => {}))
		using connection = source('events', { fetch, hidden: { pauseAfter: 1_000 } })
		connection.connect()
		await flushPromises()
		await page.hide()
		await clock.advance(1_000)
		expect([connection.status, fetch.open]).toEqual(['reconnecting', 0])
		await page.show()
		expect([connection.status, fetch.open]).toEqual(['open', 1])
		expect(fetch.requests.map(({ url }) => url)).toEqual([
			'http://app.test/orders/events',
			'http://app.test/orders/events'
		])
	})
})
