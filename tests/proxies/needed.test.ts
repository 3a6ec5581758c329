import { afterAll, beforeAll, expect, test } from 'vitest'
import { read } from '../../src/lib/testing/read.js'
import { Http2Fetch } from '../support/http2-fetch.js'
import { App } from './app.js'
import { Client } from './client.js'
import { describeProxies, startProxy, type Proxy } from './proxy.js'
import { specs, type ProxyName, type Variation } from './specs.js'

// What the document says of a line is shown by taking that line out.

let app: App
beforeAll(async () => {
	app = await App.start()
})
afterAll(() => app?.[Symbol.asyncDispose]())

const concurrent = { concurrent: true }

/** A client that has its first event, and its stream. */
async function open(proxy: Proxy, path: string) {
	const client = new Client(proxy.url + path)
	await client.next()
	return { client, stream: await app.stream(path) }
}

/** The client hears of nothing until the stream ends. */
async function expectHeldBack(name: ProxyName, variation: Variation): Promise<void> {
	await using proxy = await startProxy(name, app, variation)
	const path = `/held-back/${name.replaceAll(' ', '-')}`
	using client = new Client(proxy.url + path)
	let isHeld = true
	const first = client.next().then((data) => {
		isHeld = false
		return data
	})
	const stream = await app.stream(path)
	for (const data of ['1', '2', '3']) {
		stream.emit(data)
		await proxy.roundTrips()
	}
	expect(isHeld).toBe(true)
	stream.close()
	expect(JSON.parse((await first)!)).toMatchObject({ method: 'POST' })
	expect(await client.ending()).toBe('done')
}

/** The server does not notice at once that the client left. */
async function expectUnnoticed(name: ProxyName, variation: Variation): Promise<void> {
	await using proxy = await startProxy(name, app, variation)
	const { client, stream } = await open(proxy, `/unnoticed/${name}`)
	await client.leave()
	await proxy.roundTrips()
	expect(stream.reason).toBeUndefined()
}

await describeProxies(
	['HAProxy'],
	(name) => {
		test('without http-no-delay each event is late', async () => {
			const changes = [['option http-no-delay', '']] as const
			await using delaying = await startProxy(name, app, { changes })
			await using documented = await startProxy(name, app)
			// The fastest of several, since a busy machine only makes them slower.
			const fastest = async (proxy: Proxy, path: string) => {
				const { client, stream } = await open(proxy, path)
				using _ = client
				let least = Infinity
				for (let event = 0; event < 5; event++) {
					const sentAt = performance.now()
					stream.emit('data')
					await client.next()
					least = Math.min(least, performance.now() - sentAt)
				}
				return least
			}
			const late = await fastest(delaying, '/haproxy/late')
			expect(late).toBeGreaterThan(150)
			expect(await fastest(documented, '/haproxy/immediate')).toBeLessThan(late)
		})

		test('without abortonclose a client that leaves is not noticed at once', async () => {
			await expectUnnoticed(name, { changes: [['option abortonclose', '']] })
		})
	},
	concurrent
)

await describeProxies(
	['Varnish'],
	(name) => {
		const changes = [['return (pipe);', '']] as const

		test('without pipe its compression holds events back', async () => {
			await expectHeldBack(name, {
				changes: [...specs.Varnish.compressing!.changes!, ...changes]
			})
		})

		test('over HTTP/2, where it cannot pipe, its compression holds events back', async () => {
			await using proxy = await startProxy(name, app, specs.Varnish.compressing)
			const http2 = new Http2Fetch()
			const headers = { accept: 'text/event-stream', 'content-length': '0' }
			const url = `${proxy.http2Url}/varnish/http2`
			const events = read(await http2.fetch(url, { method: 'POST', headers }))
			let isHeld = true
			const first = events.next().finally(() => (isHeld = false))
			const stream = await app.stream('/varnish/http2')
			await proxy.roundTrips()
			expect(isHeld).toBe(true)
			stream.close()
			expect((await first).done).toBe(false)
			http2.close()
		})

		test('without pipe a stream is cut after send_timeout, whatever is sent', async () => {
			const args = ['-p', 'send_timeout=1']
			await using piping = await startProxy(name, app, { args })
			await using cutting = await startProxy(name, app, { args, changes })
			const { client, stream } = await open(piping, '/varnish/piped')
			using _ = client
			using other = new Client(`${cutting.url}/varnish/cut?ping=100`)
			expect(await other.ending()).toBe('cut')
			stream.emit('still there')
			expect(await client.next()).toBe('still there')
		})
	},
	concurrent
)

await describeProxies(
	['lighttpd'],
	(name) => {
		test('without stream-response-body events come when the stream ends', async () => {
			await expectHeldBack(name, { changes: [['server.stream-response-body = 2', '']] })
		})
	},
	concurrent
)

await describeProxies(
	['Apache'],
	(name) => {
		test('each stream takes a thread', async () => {
			const threads = 'ServerLimit 1\nThreadsPerChild 2\nMaxRequestWorkers 2\n<VirtualHost'
			await using proxy = await startProxy(name, app, { changes: [['<VirtualHost', threads]] })
			const first = await open(proxy, '/apache/1')
			const second = await open(proxy, '/apache/2')
			using third = new Client(`${proxy.url}/apache/3`)
			let isWaiting = true
			const event = third.next().then(() => (isWaiting = false))
			// The proxy answers nobody now.
			for (let trip = 0; trip < 20; trip++) await (await fetch(`${app.url}/hello`)).text()
			expect(isWaiting).toBe(true)
			first.stream.close()
			await event
			first.client[Symbol.dispose]()
			second.client[Symbol.dispose]()
		})
	},
	concurrent
)

await describeProxies(
	['Caddy'],
	(name) => {
		test('with flush_interval -1 a client that leaves is not noticed at once', async () => {
			await expectUnnoticed(name, {
				changes: [[/reverse_proxy .*/g, '$& {\n\t\tflush_interval -1\n\t}']]
			})
		})
	},
	concurrent
)

await describeProxies(
	['h2o'],
	(name) => {
		test(
			'without proxy.timeout.io a stream that is silent between two heartbeats is cut',
			{ timeout: 90_000 },
			async () => {
				const changes = [['proxy.timeout.io: 60000', '']] as const
				await using impatient = await startProxy(name, app, { changes })
				await using documented = await startProxy(name, app)
				const { client, stream } = await open(documented, '/h2o/silent')
				using _ = client
				using other = new Client(`${impatient.url}/h2o/cut`)
				expect(await other.ending()).toBe('cut')
				stream.emit('still there')
				expect(await client.next()).toBe('still there')
			}
		)
	},
	concurrent
)

await describeProxies(
	['nginx behind nginx'],
	(name) => {
		test('without proxy_pass_header events come when the stream ends', async () => {
			await expectHeldBack(name, { changes: [['proxy_pass_header X-Accel-Buffering;', '']] })
		})
	},
	concurrent
)
