import pg from 'pg'
import { expect } from 'vitest'
import type { Server } from '../support/app.js'
import type { FaultProxy } from '../support/fault-proxy.js'
import type { ServerProcess } from '../support/servers.js'
import { command } from '../support/servers/redis-commands.js'
import { launchChromium, visit, type Browser, type WatchedPage } from '../support/watched-page.js'
import { click, control, deliver, hydrated, open, post, seen, send, shows } from './looks.js'

// What becomes of the recipes when a connection breaks, a model fails, or an engine is away. Each counts what was asked:
// a recipe that repeats a question, or tries for ever, costs its reader money.

/** A page behind a proxy that breaks connections. */
export interface Stage {
	browser: Browser
	proxy: FaultProxy
	server: Server
}

/** An app whose engine may be killed. */
export interface EngineStage {
	browser: Browser
	engine: ServerProcess
	server: Server
}

type Cut = (stage: Stage) => Promise<void>
type EngineCut = (stage: EngineStage) => Promise<void>

const answerTo = (question: string) => `An answer to: ${question}`
const wholeAnswer = answerTo('Why is the sky blue?')

/** Shows a page, and expects that nothing went wrong in it but the network. */
async function look(
	{ browser }: { browser: Browser },
	url: string,
	run: (page: WatchedPage) => Promise<void>
): Promise<void> {
	await using page = await visit(browser, url)
	await hydrated(page.page)
	const text = () => page.page.locator('body').innerText()
	// After a navigation SvelteKit tells screen readers the title, which these pages do not have.
	await run({ ...page, read: async () => (await text()).replace(/\s+untitled page$/, '') })
	expect(page.complaints.filter((text) => !/net::ERR_|Failed to load/.test(text))).toEqual([])
}

/** Cuts every connection; nobody can come back until `accept()`. */
function goAway(proxy: FaultProxy): void {
	proxy.refuse()
	proxy.cut()
}

const readme: Record<string, Cut> = {
	async 'a cut asks the model nothing, and the visitor may'({ browser, proxy, server }) {
		await control(server, { words: 3 })
		await look({ browser }, `${proxy.url}/ask`, async (page) => {
			await click(page, 'Ask')
			await shows(/^Ask\s+An answer to:$/)(page, server)
			proxy.cut()
			await shows(/^Ask again\s+An answer to:\s+The answer broke off\.$/)(page, server)
			await expect.poll(() => seen(server)).toMatchObject({ asked: 1, stopped: 1 })
			await control(server)
			await click(page, 'Ask again')
			await expect.poll(page.read).toMatch(new RegExp(`^Ask\\s+${escaped(wholeAnswer)}$`))
			const { asked, requests } = await seen(server)
			expect({ asked, chats: requests['POST /chat 200'] }).toEqual({ asked: 2, chats: 2 })
		})
	},

	async 'a model that fails is asked once'({ browser, proxy, server }) {
		await control(server, { words: 2, fails: true })
		await look({ browser }, `${proxy.url}/ask`, async (page) => {
			await click(page, 'Ask')
			await shows(/^Ask again\s+An answer\s+The answer broke off\.$/)(page, server)
			const { asked, requests } = await seen(server)
			expect({ asked, chats: requests['POST /chat 200'] }).toEqual({ asked: 1, chats: 1 })
		})
	},

	async 'a server that is away is asked when the visitor says so'({ browser, proxy, server }) {
		await look({ browser }, `${proxy.url}/ask`, async (page) => {
			goAway(proxy)
			await click(page, 'Ask')
			await shows(/^Ask again\s+The answer broke off\.$/)(page, server)
			await proxy.accept()
			await click(page, 'Ask again')
			await expect.poll(page.read).toContain(wholeAnswer)
			expect(await seen(server)).toMatchObject({ asked: 1, requests: { 'POST /chat 200': 1 } })
		})
	},

	async 'leaving the page stops the model, and coming back asks nothing'({ proxy, server }) {
		await control(server, { words: 3 })
		await using browser = await launchChromium({ keepsPages: true })
		await look({ browser }, `${proxy.url}/ask`, async (page) => {
			await click(page, 'Ask')
			await shows(/An answer to:$/)(page, server)
			await page.page.evaluate(() => Object.assign(window, { isKept: true }))
			await page.page.goto(`${proxy.url}/rows`)
			await expect.poll(() => seen(server)).toMatchObject({ asked: 1, stopped: 1 })
			await page.page.evaluate(() => history.back())
			await shows(/^Ask again\s+An answer to:\s+The answer broke off\.$/)(page, server)
			expect(await page.page.evaluate(() => 'isKept' in window)).toBe(true)
			expect(await seen(server)).toMatchObject({ asked: 1, requests: { 'POST /chat 200': 1 } })
		})
	},

	async 'a token that has expired is renewed after one refusal'({ browser, proxy, server }) {
		await look({ browser }, `${proxy.url}/account`, async (page) => {
			await shows(/^1 euros$/)(page, server)
			await control(server, { validFrom: 2 })
			proxy.cut()
			await shows(/^2 euros$/)(page, server)
			const requests = { 'POST /account 200': 2, 'POST /account 401': 1 }
			expect(await seen(server)).toMatchObject({ tokens: 2, requests })
		})
	},

	async 'a new token that is refused too is the last'({ browser, proxy, server }) {
		await look({ browser }, `${proxy.url}/account`, async (page) => {
			await shows(/^1 euros$/)(page, server)
			await control(server, { validFrom: 1_000_000 })
			proxy.cut()
			await shows(/^You are signed out\. Sign in\s+1 euros$/)(page, server)
			const requests = { 'POST /account 200': 1, 'POST /account 401': 2 }
			expect(await seen(server)).toMatchObject({ tokens: 2, requests })
		})
	},

	async 'a session that is up is one with a new token, without a refusal'({
		browser,
		proxy,
		server
	}) {
		await control(server, { lifetime: 300 })
		await look({ browser }, `${proxy.url}/account`, async (page) => {
			// How many sessions have been up by now, only a slow machine knows.
			await expect.poll(async () => (await seen(server)).tokens).toBeGreaterThan(1)
			await control(server)
			await shows(/^([2-9]|\d{2,}) euros$/)(page, server)
			const isEach = async () => {
				const { tokens, requests } = await seen(server)
				return requests['POST /account 200'] === tokens
			}
			await expect.poll(isEach).toBe(true)
			const { requests } = await seen(server)
			expect(requests).not.toHaveProperty(['POST /account 401'])
		})
	},

	async 'what is published while a page is cut off reaches it'({ browser, proxy, server }) {
		await look({ browser }, `${proxy.url}/orders`, async (page) => {
			await expect.poll(() => open(server)).toMatchObject({ streams: 1 })
			goAway(proxy)
			await post(server, '/publish', { topic: 'orders', name: 'created', data: { id: 77 } })
			await proxy.accept()
			await shows(/77$/)(page, server)
			expect((await seen(server)).requests['GET /orders 200']).toBe(1)
		})
	}
}

const hub: Record<string, Cut> = {
	async 'the reader of a job that is cut off gets the rest'({ browser, proxy, server }) {
		await control(server, { words: 2 })
		await look({ browser }, `${proxy.url}/answers`, async (page) => {
			await click(page, 'Ask')
			await shows(/^An answer$/)(page, server)
			proxy.cut()
			await control(server)
			await expect.poll(page.read).toBe(answerTo('why?'))
			// The client has heard that it was the end.
			await expect.poll(() => open(server)).toEqual({ streams: 0, loops: 0 })
			expect(await seen(server)).toMatchObject({ asked: 1, requests: { 'POST /answers 202': 1 } })
		})
	},

	async 'a job survives a reload, in the middle and at the end'({ browser, proxy, server }) {
		await control(server, { words: 2 })
		await look({ browser }, `${proxy.url}/answers`, async (page) => {
			await click(page, 'Ask')
			await shows(/^An answer$/)(page, server)
			await page.page.reload()
			await shows(/^An answer$/)(page, server)
			await control(server)
			await expect.poll(page.read).toBe(answerTo('why?'))
			await page.page.reload()
			await expect.poll(page.read).toBe(answerTo('why?'))
			expect(await seen(server)).toMatchObject({ asked: 1, stopped: 0 })
		})
	},

	async 'a job that fails says so'({ browser, proxy, server }) {
		await control(server, { words: 2, fails: true })
		await look({ browser }, `${proxy.url}/answers`, async (page) => {
			await click(page, 'Ask')
			await shows(/^An answer\s+The answer broke off\. Ask again$/)(page, server)
			expect(await seen(server)).toMatchObject({ asked: 1 })
		})
	},

	async 'a question to a server that is away is an error'({ browser, proxy, server }) {
		await look({ browser }, `${proxy.url}/answers`, async (page) => {
			goAway(proxy)
			await click(page, 'Ask')
			await shows('Failed to fetch')(page, server)
			await proxy.accept()
			await click(page, 'Ask')
			await expect.poll(page.read).toBe(answerTo('why?'))
			expect(await seen(server)).toMatchObject({ asked: 1 })
		})
	}
}

const contract: Record<string, Cut> = {
	async 'a page that stays too old reloads once'({ browser, proxy, server }) {
		await look({ browser }, `${proxy.url}/reloading`, async (page) => {
			await shows(/^900$/)(page, server)
			await send(server, 'PUT', '/reloading')
			proxy.cut()
			await shows(/^This page is out of date/)(page, server)
			const requests = { 'GET /reloading 200': 2, 'POST /reloading 200': 3 }
			expect(await seen(server)).toMatchObject({ requests })
		})
	}
}

const redis: Record<string, EngineCut> = {
	async 'a job outlives a Redis that is killed in its middle'({ browser, engine, server }) {
		await control(server, { words: 2 })
		await look({ browser }, `${server.url}/answers`, async (page) => {
			await click(page, 'Ask')
			await shows(/^An answer$/)(page, server)
			await engine.kill()
			await control(server)
			await expect.poll(() => seen(server)).toMatchObject({ given: 3 })
			await engine.start()
			await expect.poll(page.read).toBe(answerTo('why?'))
			expect(await seen(server)).toMatchObject({ asked: 1, given: 4 })
		})
	},

	async 'a job whose log is lost is an error to its reader'({ browser, engine, server }) {
		await control(server, { words: 2 })
		await look({ browser }, `${server.url}/answers`, async (page) => {
			await click(page, 'Ask')
			await shows(/^An answer$/)(page, server)
			await command(engine, 'FLUSHALL')
			await control(server)
			await shows('A part of the answer is lost.')(page, server)
			expect(await seen(server)).toMatchObject({ asked: 1 })
		})
	},

	async 'the sender of a webhook tries again while Redis is away'({ browser, engine, server }) {
		await look({ browser }, `${server.url}/inbox`, async (page) => {
			// A stream that is open may not have found the end of the log yet: from what it shows on, nothing is lost.
			const delivered = () => deliver(server).then(page.read)
			await expect.poll(delivered).toBe('900')
			await engine.kill()
			expect((await deliver(server, { amount: 901 })).status).toBe(503)
			await engine.start()
			expect((await deliver(server, { amount: 902 })).status).toBe(204)
			await shows('902')(page, server)
		})
	}
}

/** Orders whose ids are looked at when a transaction commits: by then the event is in it. */
const ordersTable = 'create table orders (id int primary key deferrable initially deferred)'

const database: Record<string, EngineCut> = {
	async 'a transaction that is rolled back publishes nothing'({ browser, engine, server }) {
		await using database = await connect(engine)
		await database.client.query(ordersTable)
		await look({ browser }, `${server.url}/orders`, async (page) => {
			await expect.poll(() => open(server)).toMatchObject({ streams: 1 })
			expect(await create(server, 50)).toBe(false)
			// More than there are clients in a pool: each of them is given back.
			for (let round = 0; round < 12; round++) expect(await create(server, 50)).toMatch('duplicate')
			expect(await create(server, 51)).toBe(false)
			await shows(/^1\s+50\s+51$/)(page, server)
			const stored = `select data from sveltekit_sse where topic = 'orders' order by id`
			const { rows } = await database.client.query(stored)
			expect(rows).toEqual([{ data: '{"id":50}' }, { data: '{"id":51}' }])
		})
	},

	async 'a PostgreSQL that is killed in a transaction ends no process'({ engine, server }) {
		await using database = await connect(engine)
		await using other = await connect(engine)
		await database.client.query(ordersTable)
		await database.client.query('begin; lock table orders')
		// More than the clients that the hub has used itself, and listens to.
		const ids = [50, 51, 52, 53]
		const created = Promise.all(ids.map((id) => create(server, id)))
		const waiting = `select from pg_stat_activity where wait_event_type = 'Lock'`
		await expect.poll(async () => (await other.client.query(waiting)).rowCount).toBe(ids.length)
		await engine.kill()
		for (const error of await created) expect(error).toMatch('terminat')
		await engine.start()
		await expect.poll(() => create(server, 54)).toBe(false)
	}
}

async function create(server: Server, id: number): Promise<false | string> {
	const { error } = await (await post(server, '/create', { id })).json()
	return error
}

async function connect(engine: ServerProcess) {
	const client = new pg.Client({ connectionString: engine.url })
	// It may be killed.
	client.on('error', () => {})
	await client.connect()
	return { client, [Symbol.asyncDispose]: () => client.end().catch(() => {}) }
}

function escaped(text: string): string {
	return text.replaceAll('?', '\\?')
}

/** What breaks, and what follows, by the document. */
export const cuts: Record<string, Record<string, Cut>> = {
	'README.md': readme,
	'docs/hub.md': hub,
	'docs/contract.md': contract
}

/** The same with the engine of the hub, by the variable that says where it is. */
export const engineCuts: Record<string, Record<string, EngineCut>> = {
	REDIS_URL: redis,
	DATABASE_URL: database
}
