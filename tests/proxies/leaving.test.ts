import { afterAll, beforeAll, expect, test } from 'vitest'
import { ManualClock } from '../support/clock.js'
import { App } from './app.js'
import { Client } from './client.js'
import { documentedHeartbeats } from './documented.js'
import { allProxies, describeProxies, startProxy, type Proxy } from './proxy.js'

const ping = 1_000
/** Heartbeats come when the test says so: it counts them, and no machine is too slow for it. */
const clock = new ManualClock()

let app: App
beforeAll(async () => {
	clock.install()
	app = await App.start()
})
afterAll(async () => {
	await app?.[Symbol.asyncDispose]()
	clock.uninstall()
})

test('the table of the document has a row for each proxy', () => {
	expect([...documentedHeartbeats().keys()]).toEqual(allProxies)
})

await describeProxies(allProxies, (name) => {
	let proxy: Proxy
	beforeAll(async () => {
		proxy = await startProxy(name, app)
	})
	afterAll(() => proxy?.[Symbol.asyncDispose]())

	const heartbeats = documentedHeartbeats().get(name)!

	test.each([
		['with a body', '{"prompt":"why?"}'],
		['without a body', '']
	])(
		`the server notices within ${heartbeats} heartbeats that a client left, %s`,
		async (title, body) => {
			const path = `/${name.replaceAll(' ', '-')}/${title.replaceAll(' ', '-')}`
			const client = new Client(`${proxy.url}${path}?ping=${ping}`, { body })
			await client.next()
			const stream = await app.stream(path)
			expect(stream.reason).toBeUndefined()
			await client.leave()
			await proxy.roundTrips()
			for (let heartbeat = 1; heartbeat <= heartbeats; heartbeat++) {
				await clock.advance(ping)
				await proxy.roundTrips()
			}
			expect(await stream.stopped).toBe('gone')
		}
	)
})
