import { afterAll, beforeAll, expect, test } from 'vitest'
import { read } from '../../src/lib/testing/read.js'
import { manualClock, type ManualClock } from '../../src/lib/testing/manual-clock.js'
import { Http2Fetch } from '../support/http2-fetch.js'
import { App, type Stream } from './app.js'
import { Client } from './client.js'
import { documentedHeartbeats } from './documented.js'
import { allProxies, describeProxies, startProxy, type Proxy } from './proxy.js'

const ping = 1_000
/** Heartbeats come when the test says so: it counts them, and no machine is too slow for it. */
let clock: ManualClock

let app: App
beforeAll(async () => {
	clock = manualClock()
	app = await App.start()
})
afterAll(async () => {
	await app?.[Symbol.asyncDispose]()
	clock.restore()
})

/** A client over HTTP/2 that leaves the connection open, which other tabs use too, or closes it. */
async function openHttp2(url: string) {
	const http2 = new Http2Fetch()
	const abort = new AbortController()
	const headers = { accept: 'text/event-stream', 'content-length': '0' }
	const response = await http2.fetch(url, { method: 'POST', headers, signal: abort.signal })
	await read(response).next()
	return { closeStream: () => abort.abort(), closeConnection: () => http2.close() }
}

test('the table of the document has a row for each proxy', () => {
	expect([...documentedHeartbeats('HTTP/2').keys()]).toEqual(allProxies)
})

await describeProxies(allProxies, (name) => {
	let proxy: Proxy
	beforeAll(async () => {
		proxy = await startProxy(name, app)
	})
	afterAll(() => proxy?.[Symbol.asyncDispose]())

	const own = `/${name.replaceAll(' ', '-')}`

	/** Waits until the stream has ended, with so many heartbeats, each of which reaches the proxy alone. */
	async function noticed(stream: Stream, heartbeats: number): Promise<void> {
		await proxy.roundTrips()
		for (let heartbeat = 1; heartbeat <= heartbeats; heartbeat++) {
			await clock.advance(ping)
			await proxy.roundTrips()
		}
		expect(await stream.stopped).toBe('gone')
	}

	const heartbeats = documentedHeartbeats('HTTP/1.1').get(name)!
	test.each([
		['with a body', '{"prompt":"why?"}'],
		['without a body', '']
	])(
		`the server notices within ${heartbeats} heartbeats that a client left, %s`,
		async (title, body) => {
			const path = `${own}/${title.replaceAll(' ', '-')}`
			const client = new Client(`${proxy.url}${path}?ping=${ping}`, { body })
			await client.next()
			const stream = await app.stream(path)
			expect(stream.reason).toBeUndefined()
			await client.leave()
			await noticed(stream, heartbeats)
		}
	)

	const overHttp2 = documentedHeartbeats('HTTP/2').get(name)!
	test.each(['closeStream', 'closeConnection'] as const)(
		`the server notices within ${overHttp2} heartbeats that a client left over HTTP/2, by %s`,
		async (how) => {
			const path = `${own}/${how}`
			const client = await openHttp2(`${proxy.http2Url}${path}?ping=${ping}`)
			const stream = await app.stream(path)
			expect(stream.reason).toBeUndefined()
			client[how]()
			await noticed(stream, overHttp2)
			client.closeConnection()
		}
	)
})
