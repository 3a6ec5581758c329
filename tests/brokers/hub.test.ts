import { createClient } from 'redis'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { redis } from '../../src/lib/brokers/redis.js'
import { environment } from '../../src/lib/environment.js'
import { Hub } from '../../src/lib/hub/index.js'
import { Reading } from '../resilience/reading.js'
import { startHttpServer, type HttpServer } from '../support/http-server.js'
import { startRedis, type ServerProcess } from '../support/servers.js'
import { missingTools, titled } from '../support/tools.js'

const missing = await missingTools('redis-server')

describe.skipIf(missing)(titled('a hub on Redis', missing), () => {
	let engine: ServerProcess
	let client: ReturnType<typeof createClient>
	let hub: Hub
	let server: HttpServer

	beforeAll(async () => {
		environment.isClient = true
		engine = await startRedis({ appendonly: true })
		client = createClient({ url: engine.url })
		client.on('error', () => {})
		await client.connect()
		hub = new Hub({ broker: redis(client, { onError: () => {} }) })
		server = await startHttpServer((request) => {
			return hub.stream(new URL(request.url).pathname, { request })
		})
	})

	afterAll(async () => {
		await server?.close()
		await hub?.close()
		client?.destroy()
		await engine?.close()
		environment.isClient = false
	})

	test('keeps its clients while the engine is away, and tells them all when it is back', async () => {
		using reading = new Reading(`${server.url}/outage`, { lastEventId: await hub.cursor() })
		await reading.until(({ log }) => log.length > 0)
		const publish = (number: number, wait = 0) => hub.publish('/outage', 'number', number, { wait })
		for (const number of [1, 2]) expect((await publish(number)).error).toBe(false)
		await reading.until(({ numbers }) => numbers.length === 2)

		await engine.kill()
		// Until then it would ask, and wait for the answer.
		await vi.waitUntil(() => !client.isReady, { timeout: 20_000 })
		expect((await publish(-1)).error).toMatchObject({ code: 'network' })
		expect(hub.health).toMatchObject({ status: 'down' })
		expect(hub.connections('/outage')).toBe(1)
		const waiting = publish(3, 30_000)
		await engine.start()
		expect((await waiting).error).toBe(false)
		expect((await publish(4, 30_000)).error).toBe(false)

		await reading.until(({ numbers }) => numbers.length === 4, 30_000)
		expect(reading.numbers).toEqual([1, 2, 3, 4])
		expect(reading.gaps).toBe(0)
		expect(reading.log).toEqual(['open accepted'])
		await expect.poll(() => hub.health.status, { timeout: 20_000 }).toBe('up')
	})

	test('hands over what is published between rendering a page and its first request', async () => {
		// As `load` does.
		const lastEventId = await hub.cursor()
		for (const number of [1, 2]) await hub.publish('/page', 'number', number)
		using reading = new Reading(`${server.url}/page`, { lastEventId, initial: { number: '0' } })
		expect(reading.handle.select('number').current).toBe('0')
		await reading.until(({ numbers }) => numbers.length === 2)
		await hub.publish('/page', 'number', 3)
		await reading.until(({ numbers }) => numbers.length === 3)
		expect(reading.numbers).toEqual([1, 2, 3])
		expect(reading.gaps).toBe(0)
	})
})
