import { createCluster, createSentinel } from 'redis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { redis, type RedisClient } from '../../src/lib/brokers/redis.js'
import type { Entry } from '../../src/lib/hub/broker.js'
import { Recorder } from '../../src/lib/testing/conformance/recorder.js'
import type { ServerProcess } from '../support/servers.js'
import { startRedisCluster, type RedisCluster } from '../support/servers/redis-cluster.js'
import { replicated } from '../support/servers/redis-commands.js'
import {
	sentinelName,
	startWatchedRedis,
	type WatchedRedis
} from '../support/servers/redis-sentinel.js'
import { missingTools, titled } from '../support/tools.js'
import { conforms } from '../support/broker-conformance.js'

const missing = await missingTools('redis-server')

function entries(prefix: string): Entry[] {
	return Array.from({ length: 20 }, (_, index) => {
		return { topic: 't', name: 'n', data: `${prefix}${index}` }
	})
}

/** Kills the server that has the log; another takes its place, and everyone has everything once. */
async function survives(
	client: RedisClient,
	master: ServerProcess,
	failOver: () => Promise<void>
): Promise<void> {
	const own = { onError: () => {}, timeout: 2_000 }
	// A replica that is not well at that moment is asked again only some time later.
	const wait = 120_000
	const [one, other] = [redis(client, own), redis(client, own)]
	try {
		const tail = new Recorder(other)
		await tail.untilLive()
		const [before, after] = [entries('before'), entries('after')]
		for (const entry of before) await one.append([entry], { wait })
		await tail.untilSeen(before.length)
		await replicated(master)
		await failOver()
		for (const entry of after) await one.append([entry], { wait })
		await tail.untilSeen(before.length + after.length)
		expect(tail.data).toEqual([...before, ...after].map(({ data }) => data))
		expect(tail.gaps).toEqual([])
	} finally {
		await Promise.all([one.close(), other.close()])
	}
}

describe.skipIf(missing)(titled('a Redis Cluster of three masters', missing), () => {
	let cluster: RedisCluster
	let client: ReturnType<typeof createCluster>

	beforeAll(async () => {
		cluster = await startRedisCluster('{sse}:log')
		client = createCluster({ rootNodes: cluster.nodes.map(({ url }) => ({ url })) })
		client.on('error', () => {})
		await client.connect()
	})

	afterAll(async () => {
		client?.destroy()
		await cluster?.[Symbol.asyncDispose]()
	})

	// The logs are spread over the masters.
	conforms('the contract', () => ({
		create: (key, settings) => redis(client, { key, ...settings }),
		spansProcesses: true,
		durable: true
	}))

	test('a master that dies is followed by its replica, and no entry is missed', async () => {
		await survives(client, cluster.owner, () => cluster.failOver())
	}, 300_000)
})

describe.skipIf(missing)(titled('Redis with a sentinel', missing), () => {
	let watched: WatchedRedis
	let client: ReturnType<typeof createSentinel>

	beforeAll(async () => {
		watched = await startWatchedRedis()
		const { port } = watched.sentinel
		const sentinelRootNodes = [{ host: '127.0.0.1', port }]
		client = createSentinel({ name: sentinelName, sentinelRootNodes })
		client.on('error', () => {})
		await client.connect()
	})

	afterAll(async () => {
		client?.destroy()
		await watched?.[Symbol.asyncDispose]()
	})

	conforms('the contract', () => ({
		create: (key, settings) => redis(client as RedisClient, { key, ...settings }),
		spansProcesses: true,
		durable: true
	}))

	test('a master that dies is followed by its replica, and no entry is missed', async () => {
		await survives(client as RedisClient, watched.master, () => watched.failOver())
	}, 300_000)
})
