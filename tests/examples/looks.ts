import { createHmac } from 'node:crypto'
import { expect } from 'vitest'
import type { Server } from '../support/app.js'
import type { WatchedPage } from '../support/watched-page.js'

/** Looks at a page of an example, and expects what the document promises of it. */
export type Look = (page: WatchedPage, server: Server) => Promise<void>

const secret = 'a secret of the sender and the app'

/** The variables that the documents ask for. */
export const variables = { WEBHOOK_SECRET: secret }

/** Expects a text in the page, and no complaint. */
export const shows = (text: string | RegExp): Look => {
	return async ({ read }) => expect.poll(read).toMatch(text)
}

/** Clicks on a button once the page hears it. */
export async function click({ page }: WatchedPage, name: string): Promise<void> {
	await hydrated(page)
	await page.getByRole('button', { name, exact: true }).click()
}

/** SvelteKit tells screen readers of navigations by an element that it adds when the page is hydrated. */
export function hydrated(page: WatchedPage['page']): Promise<void> {
	return page.locator('#svelte-announcer').waitFor({ state: 'attached' })
}

/** Asks the app directly, from anywhere. */
export function send(server: Server, method: string, path: string, init: RequestInit = {}) {
	// Without a type SvelteKit 3 takes a request for a form of another origin.
	const headers = { 'content-type': 'application/json', ...init.headers }
	return fetch(`${server.url}${path}`, { ...init, method, headers })
}

export function post(server: Server, path: string, body?: unknown): Promise<Response> {
	return send(server, 'POST', path, { body: JSON.stringify(body) })
}

/** Publishes once the page is connected: it has no way to see what was before. */
async function publish(server: Server, topic: string, name: string, data: unknown): Promise<void> {
	await expect.poll(() => open(server)).toMatchObject({ streams: 1 })
	const response = await post(server, '/publish', { topic, name, data })
	expect(await response.json()).toEqual({ error: false })
}

/** What of the library is open on the server. */
export async function open(server: Server): Promise<{ streams: number; loops: number }> {
	return (await fetch(`${server.url}/open`)).json()
}

/** Calls the webhook as its sender does. */
export function deliver(
	server: Server,
	{ key = secret, amount = 900 }: { key?: string; amount?: number } = {}
): Promise<Response> {
	const body = JSON.stringify({ account: '42', data: { amount } })
	const signature = createHmac('sha256', key).update(body).digest('hex')
	return send(server, 'POST', '/webhooks', { body, headers: { 'x-signature': signature } })
}

/** What the stand-ins and the server have seen since the test began. */
export interface Seen {
	/** Questions to the model, words that it gave, and answers that it broke off since nobody wants them. */
	asked: number
	given: number
	stopped: number
	/** Tokens that were made. */
	tokens: number
	/** How often the server has answered, such as by `POST /chat 200`. */
	requests: Record<string, number>
}

export async function seen(server: Server): Promise<Seen> {
	return (await fetch(`${server.url}/control`)).json()
}

/** Changes how the stand-ins behave; what is left out is as at first. */
export async function control(
	server: Server,
	how: { words?: number; fails?: boolean; validFrom?: number; lifetime?: number } = {}
): Promise<void> {
	expect((await post(server, '/control', how)).status).toBe(204)
}

/** Makes the stand-ins what they were at first. */
export async function reset(server: Server): Promise<void> {
	await send(server, 'DELETE', '/control')
	await control(server)
}

/** Sees an event that is published from anywhere on the server; also with an engine between. */
export const seesWhatIsAnnounced: Look = async (page, server) => {
	await shows(/^1$/)(page, server)
	await expect.poll(() => open(server)).toMatchObject({ streams: 1 })
	expect(await (await post(server, '/announce')).json()).toEqual({ error: false })
	await shows(/^1\s+42$/)(page, server)
}

const readme: Record<string, Look> = {
	'/': shows(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
	async '/latest'(page, server) {
		await publish(server, 'orders', 'order', { id: '7', total: 3 })
		await shows(/^7\s+7: 3$/)(page, server)
	},
	'/lost': shows(/^Connection lost\. Trying again at .*\d\d:\d\d.*\.$/),
	'/rows': shows('{"id":1}, {"id":2}, {"id":3}'),
	'/typed': shows('9'),
	async '/topics'(page, server) {
		await click(page, 'Kitchen')
		await publish(server, 'kitchen', 'said', 'one')
		await shows(/one$/)(page, server)
		await click(page, 'Attic')
		await publish(server, 'attic', 'said', 'two')
		await shows(/one two$/)(page, server)
	},
	async '/orders'(page, server) {
		await shows(/^1$/)(page, server)
		await publish(server, 'orders', 'created', { id: 2 })
		await shows(/^1\s+2$/)(page, server)
	},
	async '/ask'(page, server) {
		await click(page, 'Ask')
		await shows(/^Ask\s+An answer to: Why is the sky blue\?$/)(page, server)
	},
	'/account': shows(/^\d+ euros$/)
}

const hub: Record<string, Look> = {
	async '/orders'(page, server) {
		expect((await post(server, '/indexing')).status).toBe(204)
		await seesWhatIsAnnounced(page, server)
		const indexed = async () => (await fetch(`${server.url}/indexing`)).json()
		await expect.poll(indexed).toEqual(['{"id":42}'])
		await send(server, 'DELETE', '/indexing')
	},
	async '/rooms'(page, server) {
		await publish(server, 'room:kitchen', 'said', 'hello')
		await shows('hello')(page, server)
		expect((await post(server, '/rooms/attic')).status).toBe(403)
	},
	'/room': shows('Ann'),
	async '/live'(page, server) {
		await shows(/^1$/)(page, server)
		await expect.poll(() => open(server)).toMatchObject({ loops: 1 })
		await post(server, '/publish', { topic: 'orders', name: 'created', data: { id: 2 } })
		await shows(/^1\s+2$/)(page, server)
	},
	async '/inbox'(page, server) {
		await publish(server, 'user:42', 'notification', { text: 'Your order has left' })
		await shows('Your order has left')(page, server)
		expect((await deliver(server, { key: 'another' })).status).toBe(401)
		expect((await deliver(server)).status).toBe(204)
		await shows('900')(page, server)
	},
	async '/answers'(page, server) {
		await click(page, 'Ask')
		await shows('An answer to: why?')(page, server)
	}
}

const contract: Record<string, Look> = {
	'/orders': shows('9'),
	'/checked': shows('9'),
	'/times': shows('2026'),
	'/ticking': shows('number'),
	'/seen': shows(/^Hello\s+2026$/),
	'/priced': shows('900'),
	'/reloading': shows('900')
}

const read: Record<string, Look> = {
	'/asking': shows('An answer to: why?'),
	'/rates': shows('900'),
	'/totals': shows('9')
}

/** What each page of a document's app shows, by the document and the page's path. */
export const looks: Record<string, Record<string, Look>> = {
	'README.md': readme,
	'docs/hub.md': hub,
	'docs/contract.md': contract,
	'docs/read.md': read
}
