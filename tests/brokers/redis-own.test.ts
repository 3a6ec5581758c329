import { createClient, createCluster, RESP_TYPES } from 'redis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { redis, type RedisOptions } from '../../src/lib/brokers/redis.js'
import type { Broker, Cursor, Entry } from '../../src/lib/hub/broker.js'
import { parseCursor } from '../../src/lib/hub/cursor.js'
import { eventually, Recorder } from '../../src/lib/testing/conformance/recorder.js'
import { startFaultProxy } from '../support/fault-proxy.js'
import { startRedis, type ServerProcess } from '../support/servers.js'
import { conforms } from '../support/broker-conformance.js'

type Client = ReturnType<typeof createClient>

const entry = (data: string): Entry => ({ topic: 't', name: 'n', data })
const wait = 20_000

let server: ServerProcess
let client: Client
let brokers: Broker[] = []

async function connect(url = server.url, options: object = {}): Promise<Client> {
	const made = createClient({ url, ...options })
	made.on('error', () => {})
	await made.connect()
	return made as Client
}

function broker(from: Parameters<typeof redis>[0] = client, options: RedisOptions = {}): Broker {
	const made = redis(from, { onError: () => {}, ...options })
	brokers.push(made)
	return made
}

async function cut(): Promise<void> {
	await client.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'])
}

/** All keys as they are now; giving them back is what a failover to a replica that lags does. */
async function snapshot(): Promise<() => Promise<void>> {
	const keys = await client.keys('*')
	const raw = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer })
	const dumps = await Promise.all(keys.map((key) => raw.dump(key)))
	return async () => {
		const all = client.multi()
		for (const [index, key] of keys.entries()) {
			all.restore(key, 0, dumps[index] as unknown as Buffer, { REPLACE: true })
		}
		await all.exec()
		await nextMillisecond()
	}
}

/** Entries of one millisecond could not be told apart; a failover takes longer than that. */
async function nextMillisecond(): Promise<void> {
	const now = async () => {
		const [seconds, microseconds] = await client.sendCommand<string[]>(['TIME'])
		return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000)
	}
	const before = await now()
	await eventually(async () => (await now()) > before, 'a millisecond has passed')
}

beforeAll(async () => {
	server = await startRedis()
	client = await connect()
})

afterAll(async () => {
	client?.destroy()
	await server?.close()
})

beforeEach(async () => {
	await client.flushAll()
})

afterEach(async () => {
	await Promise.all(brokers.map((one) => one.close()))
	brokers = []
})

describe('a failover that lost the end of the log', () => {
	/** A tail that has seen entries which the log has no more, and lost its connection then. */
	async function tailThatSawMore() {
		const log = broker()
		const tail = new Recorder(log)
		await tail.untilLive()
		await log.append([entry('kept')])
		const rollBack = await snapshot()
		await log.append([entry('seen'), entry('and lost')])
		await tail.untilSeen(3)
		await rollBack()
		await cut()
		return { log, tail }
	}

	test('is a gap for a tail that had seen more', async () => {
		const { log, tail } = await tailThatSawMore()
		await tail.until(() => tail.gaps.length > 0, 'a gap')
		expect(tail.gaps).toMatchObject([{ reason: 'unknown' }])
		await log.append([entry('next')], { wait })
		await tail.until(() => tail.data.includes('next'), 'live again')
		expect(tail.gaps).toHaveLength(1)
	})

	// Whenever the connection was lost again, until this process appended again.
	test('is told once, however often the connection is lost', async () => {
		const { tail } = await tailThatSawMore()
		for (const lives of [2, 3]) {
			await tail.untilLive(lives)
			await cut()
		}
		await tail.untilLive(4)
		expect(tail.gaps).toMatchObject([{ reason: 'unknown' }])
	})

	test('is a gap although others have appended as many again', async () => {
		await using far = await tailBehindProxy()
		const { log, tail, proxy } = far
		await log.append([entry('kept')])
		const rollBack = await snapshot()
		const [, lost] = await log.append([entry('seen'), entry('and lost')])
		await tail.untilSeen(3)
		// It must not see the new entries on the connection it has, or it would notice by them.
		far.stall()
		await rollBack()
		const other = broker()
		await other.append([entry('a'), entry('b'), entry('c')])
		proxy.reset()
		await tail.until(() => tail.gaps.length > 0, 'a gap')
		expect(tail.gaps).toMatchObject([{ reason: 'unknown' }])
		const page = await other.read(lost as Cursor, { limit: 5 })
		expect(page, 'a client that had seen them is told').toMatchObject({ gap: 'unknown' })
	})

	test('is a gap although the clock of the new server lags', async () => {
		await using far = await tailBehindProxy()
		const { log, tail, proxy } = far
		const kept = parseCursor((await log.append([entry('kept')]))[0])
		await nextMillisecond()
		await log.append([entry('seen'), entry('and lost')])
		await tail.untilSeen(3)
		far.stall()
		const [first] = (await client.xRange('{sse}:log', '-', '+', { COUNT: 1 })) ?? []
		await client.del('{sse}:log')
		for (const sequence of [1, 2, 3, 4]) {
			// Their ids stand before those that the tail has seen: asked for what follows, there is nothing.
			const fields = { ...first?.message, d: String(sequence) }
			await client.xAdd('{sse}:log', `${kept?.mark}-${sequence}`, fields)
		}
		await client.hSet('{sse}:state', { sequence: '4', time: String(kept?.mark) })
		proxy.reset()
		await tail.until(() => tail.gaps.length > 0, 'a gap')
		expect(tail.gaps).toMatchObject([{ reason: 'unknown' }])
	})

	test('is a gap for who was told that something is stored which nobody has seen', async () => {
		await using far = await tailBehindProxy()
		const { log, tail, proxy } = far
		await log.append([entry('kept')])
		await tail.untilSeen(1)
		const rollBack = await snapshot()
		far.stall()
		await log.append([entry('told')])
		await rollBack()
		await broker().append([entry('other')])
		proxy.reset()
		await tail.until(() => tail.gaps.length > 0, 'a gap')
		expect(tail.gaps).toMatchObject([{ reason: 'unknown' }])
		expect(tail.data).toEqual(['kept'])
	})
})

/** A broker whose client and tail reach the server through a proxy, with the tail's connection at hand. */
async function tailBehindProxy() {
	const proxy = await startFaultProxy(server.port)
	const far = await connect(`redis://127.0.0.1:${proxy.port}`)
	const log = broker(far)
	const tail = new Recorder(log)
	await tail.untilLive()
	const connection = proxy.connections.at(-1)
	return {
		log,
		tail,
		proxy,
		stall: () => connection?.stall(),
		async [Symbol.asyncDispose]() {
			await log.close()
			far.destroy()
			await proxy.close()
		}
	}
}

test('an entry deleted out of the middle is a gap', async () => {
	const log = broker()
	const start = await log.head()
	await log.append(['0', '1', '2', '3', '4'].map(entry))
	const ids = ((await client.xRange('{sse}:log', '-', '+')) ?? []).map(({ id }) => id)
	await client.xDel('{sse}:log', ids[2] as string)
	const tail = new Recorder(log, { after: start })
	await tail.untilSeen(4)
	expect(tail.data).toEqual(['0', '1', '3', '4'])
	expect(tail.gaps).toMatchObject([{ reason: 'trimmed' }])
})

test.each(['{sse}:log', '{sse}:state'])('%s gone by itself is a new epoch', async (key) => {
	const log = broker()
	const [cursor] = await log.append([entry('old')])
	await client.del(key)
	const tail = new Recorder(log, { after: cursor as Cursor })
	await tail.untilLive()
	await log.append([entry('new')])
	await tail.untilSeen(1)
	expect(tail.gaps).toMatchObject([{ reason: 'epoch' }])
	expect(tail.data).toEqual(['new'])
})

test('a log lost in silence is noticed without a new entry', async () => {
	const log = broker()
	await log.append([entry('old')])
	const tail = new Recorder(log)
	await tail.untilLive()
	await client.flushAll()
	await tail.until(() => tail.gaps.length > 0, 'the check between two waits')
	expect(tail.gaps).toMatchObject([{ reason: 'epoch' }])
})

test('answers that are lost on the way make no entry twice', async () => {
	await using proxy = await startFaultProxy(server.port)
	const far = await connect(`redis://127.0.0.1:${proxy.port}`)
	const log = broker(far, { timeout: 500 })
	const tail = new Recorder(broker())
	await tail.untilLive()
	await log.append([entry('before')], { wait })
	proxy.stall()
	const waiting = log.append([entry('once')], { wait })
	await tail.until(() => tail.data.includes('once'), 'it is stored')
	proxy.reset()
	proxy.clear()
	await waiting
	await log.append([entry('after')], { wait })
	await tail.until(() => tail.data.includes('after'), 'all')
	expect(tail.data).toEqual(['before', 'once', 'after'])
	far.destroy()
})

/** The publishers whose last batch is known. */
async function publishers(): Promise<string[]> {
	return client.hKeys('{sse}:batches')
}

test('a batch that arrives late, after its successor, is not stored', async () => {
	const log = broker()
	await log.append([entry('1')])
	await log.append([entry('2')])
	const [publisher] = (await publishers()) as [string]
	const stored = await client.hGet('{sse}:batches', publisher)
	expect(stored).toMatch(/^2 2 \d+$/)
	const before = await log.head()
	// As if a later batch had come first.
	await client.hSet('{sse}:batches', publisher, String(stored).replace(/^2 /, '9 '))
	await expect(log.append([entry('3')])).rejects.toMatchObject({ code: 'failed' })
	expect(await log.head()).toBe(before)
})

test('publishers that are gone do not pile up: each is forgotten after a day', async () => {
	const log = broker()
	await log.append([entry('1')])
	expect(await client.zRange('{sse}:seen', 0, -1)).toEqual(await publishers())
	const day = 86_400_000
	for (const [value, age] of [
		['gone', day + 60_000],
		['here', day - 60_000]
	] as const) {
		await client.zAdd('{sse}:seen', { value, score: Date.now() - age })
		await client.hSet('{sse}:batches', value, '1 1 1')
	}
	await log.append([entry('2')])
	expect(await publishers()).toHaveLength(2)
	expect(await publishers()).toContain('here')
	expect(await client.zScore('{sse}:seen', 'gone')).toBeNull()
})

// A policy that drops keys that expire would make a retry store twice.
test('no key expires', async () => {
	await broker().append([entry('1')])
	await broker().signal('x')
	for (const key of await client.keys('*')) expect([key, await client.ttl(key)]).toEqual([key, -1])
})

test('reading makes no publisher', async () => {
	const log = broker()
	const cursor = await log.head()
	await log.read(cursor, { limit: 1 })
	await log.signal('x')
	expect(await publishers()).toEqual([])
})

// All were forgotten whenever there were a thousand.
test('a batch that is tried again is stored once, however many have published meanwhile', async () => {
	await using proxy = await startFaultProxy(server.port)
	const far = await connect(`redis://127.0.0.1:${proxy.port}`)
	const log = broker(far, { timeout: 500 })
	const start = await broker().head()
	proxy.stall()
	const waiting = log.append([entry('once')], { wait })
	await eventually(async () => (await publishers()).length === 1, 'it is stored')
	const others = Array.from({ length: 1_500 }, () => broker())
	await Promise.all(others.map((other) => other.append([entry('other')])))
	proxy.reset()
	proxy.clear()
	const [cursor] = await waiting
	const { entries } = await broker().read(start, { limit: 2_000 })
	const own = entries.filter(({ data }) => data === 'once')
	expect(own.map((one) => one.cursor)).toEqual([cursor])
	expect(entries).toHaveLength(1_501)
	far.destroy()
})

test('a history of any number does not grow for ever', async () => {
	const log = broker(client, { history: { events: 1_500 } })
	const batch = Array.from({ length: 500 }, (_, index) => entry(String(index)))
	for (let round = 0; round < 12; round++) await log.append(batch)
	const length = await client.xLen('{sse}:log')
	expect(length).toBeGreaterThanOrEqual(1_500)
	expect(length).toBeLessThan(1_700)
})

test.each(['', 'a b', 'a{b}', 'x'.repeat(101), 'ü', 'a\r\nb'])(
	'the key %o is refused at the call',
	(key) => {
		expect(() => redis(client, { key })).toThrow(/`key` must be 1 to 100 letters/)
	}
)

test('something that is no client is refused at the call', () => {
	expect(() => redis({} as never)).toThrow(/must be a client of the package `redis`/)
	expect(() => redis('redis://localhost' as never)).toThrow(/must be a client/)
})

test('a client that was never connected says what to do', async () => {
	const log = broker(createClient({ url: server.url }))
	await expect(log.append([entry('x')])).rejects.toThrow(/client\.connect\(\)/)
})

test('a key that holds something else is the server’s refusal, not an outage', async () => {
	const log = broker()
	await client.set('{sse}:state', 'taken')
	await expect(log.append([entry('x')], { wait })).rejects.toMatchObject({ code: 'failed' })
	await expect(log.head()).rejects.toThrow(/WRONGTYPE/)
})

test('close leaves no handle and no connection', async () => {
	const connections = async () => {
		const list = String(await client.sendCommand(['CLIENT', 'LIST']))
		return [...list.matchAll(/^id=(\d+)/gm)].map(([, id]) => id)
	}
	const [before, handles] = [await connections(), process.getActiveResourcesInfo().length]
	// Those of an earlier test may be about to go.
	const added = async () => (await connections()).filter((id) => !before.includes(id)).length
	const log = redis(client)
	const tails = [new Recorder(log), new Recorder(log, { last: 5 })]
	for (const tail of tails) await tail.untilLive()
	expect(await added()).toBe(2)
	await log.append([entry('x')])
	await log.close()
	await eventually(async () => (await added()) === 0, 'connections are gone')
	const left = async () => process.getActiveResourcesInfo().length <= handles
	await eventually(left, 'handles are gone')
})

test('a client that gives buffers is read all the same', async () => {
	const options = { commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } } }
	const buffered = await connect(server.url, options)
	const log = broker(buffered)
	const tail = new Recorder(log)
	await tail.untilLive()
	const [cursor] = await log.append([entry('ünï')])
	await tail.untilSeen(1)
	expect(tail.seen).toMatchObject([{ topic: 't', name: 'n', data: 'ünï', cursor }])
	expect(parseCursor(cursor)).toMatchObject({ sequence: 1 })
	await log.close()
	buffered.destroy()
})

describe.each([2, 3] as const)('version %i of the protocol', (RESP) => {
	let own: Client
	beforeAll(async () => {
		own = await connect(server.url, { RESP })
	})
	afterAll(() => own.destroy())
	conforms('the contract', () => ({
		create: (key, settings) => redis(own, { key, ...settings }),
		spansProcesses: true
	}))
})

describe('cluster', () => {
	let node: ServerProcess
	let cluster: ReturnType<typeof createCluster>
	beforeAll(async () => {
		node = await startRedis({ cluster: 'alone', appendonly: true })
		cluster = createCluster({ rootNodes: [{ url: node.url }] })
		cluster.on('error', () => {})
		await cluster.connect()
	})
	afterAll(async () => {
		cluster?.destroy()
		await node?.close()
	})
	conforms('the contract', () => ({
		create: (key, settings) => redis(cluster, { key, ...settings }),
		spansProcesses: true,
		durable: true,
		faults: {
			kill: () => node.kill(),
			start: () => node.start(),
			pause: () => node.pause(),
			resume: () => node.resume()
		}
	}))
})
