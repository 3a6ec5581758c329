import { setTimeout as pause } from 'node:timers/promises'
import { describe } from 'vitest'
import { expect, test, type Visit } from './site.js'

/** What Chromium says in its console when a connection breaks or is refused. */
const broken = /ERR_INCOMPLETE_CHUNKED_ENCODING|503|ERR_CONNECTION|ERR_EMPTY_RESPONSE/

async function isWhole(page: Visit): Promise<void> {
	await page.reaches('received', (await page.number('received')) + 4)
	const counts = await page.page.evaluate(() =>
		['received', 'missing', 'repeated', 'last-id'].map((id) =>
			Number(document.querySelector<HTMLElement>(`[data-testid=${id}]`)!.innerText)
		)
	)
	const [received, missing, repeated, lastId] = counts
	expect({ missing, repeated, lastId }).toEqual({ missing: 0, repeated: 0, lastId: received })
}

describe('a stream that is broken comes back, and every number comes once and in order', () => {
	test.for([
		{ button: 'Cut', says: 'lost · cut' },
		{ button: 'Stall', says: 'lost · silent' },
		{ button: 'Restart', says: 'lost · restart' },
		{ button: 'Rotate', says: 'lost · rotate' },
		{ button: 'Expire', says: 'lost · expired' },
		{ button: 'Fail', says: 'lost · error' },
		{ button: 'Refuse', says: 'failed · refused' }
	])('$button', async ({ button, says }, { visit }) => {
		const page = await visit('/break-it', { errors: broken })
		await page.status('open')
		await page.reaches('received', 2)
		await page.shows('headers-made', '1')

		await page.press(new RegExp(`^${button}`))
		await page.shows('history', new RegExp(`${says} · comes back`))
		await page.shows('connections', '2')
		await page.shows('history', /open · 200 · resumed/)
		await page.status('open')
		await page.shows('retry', '–')
		await page.shows('error', '–')
		await isWhole(page)
		expect(await page.number('headers-made')).toBe(button === 'Refuse' ? 5 : 2)
	})

	test('while it waits, the page says for how long, and can be told not to', async ({ visit }) => {
		const page = await visit('/break-it', { errors: broken })
		await page.reaches('received', 2)
		const waits = await page.watch('retry', /^in/, ['status-value', 'attempt', 'retry'], 'Try now')
		await page.press(/^Restart/)
		expect(await waits()).toEqual({
			'status-value': 'reconnecting',
			attempt: '0',
			retry: expect.stringMatching(/^in [012]\.\d s$/)
		})
		await page.status('open')
		await isWhole(page)
	})

	test.for([
		{ button: 'Deny', reason: 'denied' },
		{ button: 'Finish', reason: 'done' }
	])('$button: it stays closed, until someone connects', async ({ button, reason }, { visit }) => {
		const page = await visit('/break-it', { errors: broken })
		await page.reaches('received', 2)
		await page.press(new RegExp(`^${button}`))
		await page.status('closed')
		await page.shows('history', new RegExp(`lost · ${reason} · stays closed`))
		await page.press('Connect')
		await page.status('open')
		await isWhole(page)
	})

	test('what was missed is sent again, at once', async ({ visit }) => {
		const page = await visit('/break-it', { errors: broken })
		await page.reaches('received', 2)
		await page.press(/^Stall/)
		await page.shows('connections', '2')
		await page.reaches('late', 4)
		await isWhole(page)
	})
})

describe('what becomes of the page itself', () => {
	test('without a network it says so at once, and goes on when the network is back', async ({
		visit
	}) => {
		const page = await visit('/break-it', { errors: broken })
		await page.reaches('received', 2)
		const context = page.page.context()
		// The connection lives on in this browser, and shows it with the next number.
		const says = await page.watch('status-value', /^reconnecting$/, ['history'])
		await context.setOffline(true)
		expect((await says()).history).toMatch(/lost · offline/)
		await context.setOffline(false)
		await page.status('open')
		await isWhole(page)
	})

	test('asleep for longer than the watchdog waits, it wakes up to the same stream', async ({
		visit,
		browser
	}) => {
		const page = await visit('/break-it')
		await page.reaches('received', 2)
		const devtools = await browser.newBrowserCDPSession()
		const { processInfo } = await devtools.send('SystemInfo.getProcessInfo')
		const renderers = processInfo.filter(({ type }) => type === 'renderer')
		for (const { id } of renderers) process.kill(id, 'SIGSTOP')
		// Two and a half pings of two seconds, and the two by which a timer is late after sleep, and more.
		await pause(9_000)
		for (const { id } of renderers) process.kill(id, 'SIGCONT')
		await isWhole(page)
		await page.shows('connections', '1')
		await page.status('open')
	})
})
