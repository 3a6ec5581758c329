import { afterAll, beforeAll, describe } from 'vitest'
import { startApp, type App } from '../../scripts/app.mjs'
import { startRedis, type ServerProcess } from '../support/servers.js'
import { missingTools, titled } from '../support/tools.js'
import { expect, test, type Visit } from './site.js'

/** The process that a visitor sits on, as the page says: `Process 1 pid 42`. */
async function place({ page }: Visit): Promise<string> {
	const tile = page.getByRole('listitem').filter({ hasText: 'you among them' })
	return /Process \d+\s+pid \d+/.exec(await tile.innerText())?.[0] ?? ''
}

/** Waits until there are so many visitors by the page, over all processes. */
async function counts({ page }: Visit, wanted: number): Promise<void> {
	const machines = page.getByTestId('machines').getByRole('listitem')
	const visitors = async () => {
		const texts = await machines.allInnerTexts()
		return texts.reduce((sum, text) => sum + Number(/(\d+) visitor/.exec(text)?.[1]), 0)
	}
	await expect.poll(visitors, { timeout: 40_000 }).toBe(wanted)
}

async function isWhole(visit: Visit): Promise<void> {
	await visit.reaches('received', (await visit.number('received')) + 3)
	expect([await visit.text('missing'), await visit.text('repeated')]).toEqual(['0', '0'])
}

test('one process says that it is the only one, and publishes to all of its visitors', async ({
	visit
}) => {
	const [one, other] = [await visit('/machines'), await visit('/machines')]
	await one.page.getByTestId('live').getByText('is served by one process').waitFor()
	expect(await one.page.getByRole('button', { name: 'Kill' }).count()).toBe(0)
	for (const each of [one, other]) await counts(each, 2)
	expect(await place(one)).toMatch(/^Process 1\s/)
	await one.press('Publish')
	await one.shows('publisher', /reached process 1/)
	await other.shows('asked', /process 1, no\. \d+/)
	await isWhole(other)
})

const missing = await missingTools('redis-server')

describe.skipIf(missing)(titled('three processes on one port', missing), () => {
	let redis: ServerProcess
	let app: App

	beforeAll(async () => {
		redis = await startRedis()
		const env = { PROCESSES: '3', REDIS_URL: redis.url, SHUTDOWN_TIMEOUT: '2' }
		app = await startApp({ env, quiet: true })
	})

	afterAll(async () => {
		await app?.stop()
		await redis?.close()
	})

	test('pages that one process remembers say so, and others do not', async ({ visit }) => {
		const { page } = await visit(`${app.url}/lock`)
		await page.getByTestId('needs-one-process').getByText('3 processes serve this site').waitFor()
		await page.getByRole('link', { name: 'Clock' }).first().click()
		await page.getByTestId('needs-one-process').waitFor({ state: 'detached' })
	})

	test('who sits on one that is killed moves on to another, and nobody misses an event', async ({
		visit
	}) => {
		// What Chromium says in its console when a connection breaks.
		const errors = /ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION|ERR_EMPTY_RESPONSE/
		const visits: Visit[] = []
		const places = new Set<string>()
		// Which process a connection comes to depends on all that went before it.
		while (visits.length < 3 || places.size < 2) {
			// If a visit took as many connections as there are processes, all would come to the same: now and then, one more.
			const headers = { connection: 'close' }
			if (visits.length % 2 === 1) await fetch(`${app.url}/status`, { headers })
			const added = await visit(`${app.url}/machines`, { errors })
			places.add(await place(added))
			visits.push(added)
		}
		for (const each of visits) await counts(each, visits.length)

		const [first] = visits as [Visit]
		await first.press('Publish')
		for (const each of visits) await each.shows('asked', /process [123], no\. \d+/)

		for (let kill = 0; kill < 2; kill++) {
			const before = await place(first)
			await first.page.getByRole('button', { name: 'Kill my process', disabled: false }).click()
			await expect.poll(() => place(first), { timeout: 40_000 }).not.toBe(before)
			for (const each of visits) await isWhole(each)
		}
		for (const each of visits) await counts(each, visits.length)
	}, 300_000)
})
