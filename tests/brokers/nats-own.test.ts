import { jetstream, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { cp, rename, rm } from 'node:fs/promises'
import {
	afterAll,
	afterEach,
	beforeAll,
	beforeEach,
	describe,
	expect,
	onTestFinished,
	test
} from 'vitest'
import { nats, type NatsOptions } from '../../src/lib/brokers/nats.js'
import type { Broker, Cursor, Entry } from '../../src/lib/hub/broker.js'
import { formatCursor, parseCursor, type Position } from '../../src/lib/hub/cursor.js'
import { eventually, Recorder } from '../../src/lib/testing/conformance/recorder.js'
import { startFaultProxy, type FaultProxy } from '../support/fault-proxy.js'
import { startNats, type ServerProcess } from '../support/servers.js'
import { temporaryDirectory } from '../support/servers/temporary.js'

const wait = 20_000
const entry = (data: string): Entry => ({ topic: 't', name: 'n', data })

let server: ServerProcess
let connection: NatsConnection
let manager: JetStreamManager
let brokers: Broker[] = []
let errors: string[] = []

function broker(from = connection, options: NatsOptions = {}): Broker {
	const made = nats(from, { onError: (error) => void errors.push(error.message), ...options })
	brokers.push(made)
	return made
}

async function follow(log: Broker): Promise<Recorder> {
	const tail = new Recorder(log)
	await tail.untilLive()
	return tail
}

/** What JetStream's API is asked and answers, as far as it is tampered with. */
interface Body {
	created: string
	did_create?: boolean
	config: { opt_start_seq: number; num_replicas: number }
	state: { messages: number; first_seq: number; last_seq: number }
	cluster?: object
}

/** A connection over which the one server seems to be of a cluster whose copies lag. */
function tampered(
	call: string,
	{ ask, answer }: { ask?: (body: Body) => void; answer?: (body: Body) => void },
	from = connection
): NatsConnection {
	const changed = (bytes: Uint8Array, change: (body: Body) => void) => {
		const body = JSON.parse(new TextDecoder().decode(bytes)) as Body
		change(body)
		return new TextEncoder().encode(JSON.stringify(body))
	}
	const request: NatsConnection['request'] = async (subject, payload, options) => {
		if (!subject.startsWith(`$JS.API.${call}.`)) return from.request(subject, payload, options)
		const asked = ask ? changed(payload as Uint8Array, ask) : payload
		const message = await from.request(subject, asked, options)
		const data = answer ? changed(message.data, answer) : message.data
		return Object.create(message, { data: { value: data } })
	}
	return Object.create(from, { request: { value: request } })
}

beforeAll(async () => {
	server = await startNats()
	connection = await connect({
		servers: server.url,
		maxReconnectAttempts: -1,
		reconnectTimeWait: 100
	})
	manager = await jetstreamManager(connection)
})

afterAll(async () => {
	await connection?.close()
	await server?.close()
})

beforeEach(() => {
	errors = []
})

afterEach(async () => {
	await Promise.all(brokers.map((one) => one.close()))
	brokers = []
	await manager.streams.delete('SSE').catch(() => {})
})

test('answers that are lost on the way make no entry twice', async () => {
	await using proxy = await startFaultProxy(server.port)
	const far = await connect({
		servers: `127.0.0.1:${proxy.port}`,
		maxReconnectAttempts: -1,
		reconnectTimeWait: 50
	})
	const log = broker(far, { timeout: 500 })
	const tail = await follow(broker())
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
	await far.close()
})

/** A broker that reaches the server through a proxy. */
async function brokerBehindProxy(timeout = 300) {
	const proxy = await startFaultProxy(server.port)
	onTestFinished(() => proxy.close())
	const far = await connect({
		servers: `127.0.0.1:${proxy.port}`,
		maxReconnectAttempts: -1,
		reconnectTimeWait: 50
	})
	onTestFinished(() => far.close())
	return { proxy, far, log: broker(far, { timeout }) }
}

/** The network is back, with new connections. */
function heal(proxy: FaultProxy): void {
	// First, or what is stalled would still arrive.
	proxy.reset()
	proxy.clear()
}

/** Ends what the server knows of ids: from here on it stores a message again that it is sent again. */
async function forgetIds(): Promise<void> {
	const probe = `probe${Math.random()}`
	const publish = () => jetstream(connection).publish('SSE.log', '{"t":1,"e":[]}', { msgID: probe })
	await publish()
	await eventually(async () => !(await publish()).duplicate, 'ids are forgotten')
}

const shortWindow = () => manager.streams.update('SSE', { duplicate_window: 100_000_000 })

describe('an event that was sent and not answered', () => {
	/** One that is stored, and of whose server nothing is heard. */
	async function unanswered(from: Awaited<ReturnType<typeof brokerBehindProxy>>) {
		const tail = await follow(broker())
		await from.log.append([entry('before')], { wait })
		await shortWindow()
		from.proxy.stall()
		// Longer than a test may take.
		const waiting = from.log.append([entry('once'), entry('too')], { wait: 10 * wait })
		await tail.until(() => tail.data.includes('too'), 'it is stored')
		return { tail, waiting }
	}

	test('is stored once, also when the server has forgotten its id', async () => {
		const far = await brokerBehindProxy()
		const { tail, waiting } = await unanswered(far)
		await forgetIds()
		heal(far.proxy)
		expect(await waiting).toEqual(tail.seen.slice(1).map(({ cursor }) => cursor))
		await far.log.append([entry('after')], { wait })
		await tail.until(() => tail.data.includes('after'), 'all')
		expect(tail.data).toEqual(['before', 'once', 'too', 'after'])
	})

	// It was tried until its wait was over, and nothing of this process was stored until then.
	test('is not sent again if the stream has dropped what it held then; what is behind is stored', async () => {
		const far = await brokerBehindProxy()
		const { tail, waiting } = await unanswered(far)
		const behind = far.log.append([entry('behind')], { wait })
		await manager.streams.purge('SSE')
		await forgetIds()
		heal(far.proxy)
		await expect(waiting).rejects.toMatchObject({
			code: 'network',
			message: /was stored cannot be/
		})
		await behind
		await tail.until(() => tail.data.includes('behind'), 'all')
		expect(tail.data).toEqual(['before', 'once', 'too', 'behind'])
	})

	test('is stored once in a stream that was made anew before it came', async () => {
		const far = await brokerBehindProxy()
		await far.log.append([entry('before')])
		const tail = await follow(broker())
		await manager.streams.delete('SSE')
		await broker().head()
		await tail.untilLive(2)
		await shortWindow()
		far.proxy.stall()
		const waiting = far.log.append([entry('once')], { wait })
		await tail.until(() => tail.data.includes('once'), 'it is stored')
		await forgetIds()
		heal(far.proxy)
		await waiting
		await far.log.append([entry('after')], { wait })
		await tail.until(() => tail.data.includes('after'), 'all')
		expect(tail.data).toEqual(['once', 'after'])
	})

	// It could not be told from one that was dropped, so that nothing was stored.
	test('is sent again by a process that is new to a stream without its beginning', async () => {
		const [old] = await broker().append([entry('0')])
		await broker().append([entry('1')])
		await manager.streams.purge('SSE')
		const { proxy, log } = await brokerBehindProxy()
		const tail = await follow(broker())
		// It knows the stream, and no entry of it.
		expect(await log.read(old as Cursor, { limit: 1 })).toMatchObject({ gap: 'trimmed' })
		proxy.halfOpen()
		const isDown = new Promise<void>((resolve) => {
			log.onHealth(({ status }) => status === 'down' && resolve())
		})
		const waiting = log.append([entry('once')], { wait })
		await isDown
		heal(proxy)
		await waiting
		await tail.until(() => tail.data.length > 0, 'it is stored')
		expect(tail.data).toEqual(['once'])
	})

	// What servers of a cluster answer to a message that they have not agreed on yet.
	test('is no refusal if the server is about to store it', async () => {
		let times = 0
		const request: NatsConnection['request'] = async (subject, ...rest) => {
			const message = await connection.request(subject, ...rest)
			if (!subject.startsWith('SSE.log.') || times++ > 0) return message
			const error = {
				code: 409,
				err_code: 10_158,
				description: 'duplicate message id is in process'
			}
			const data = new TextEncoder().encode(JSON.stringify({ stream: 'SSE', seq: 0, error }))
			return Object.create(message, { data: { value: data } })
		}
		const log = broker(Object.create(connection, { request: { value: request } }))
		const tail = await follow(broker())
		await Promise.all(['0', '1', '2'].map((data) => log.append([entry(data)], { wait })))
		await log.append([entry('3')])
		await tail.until(() => tail.data.includes('3'), 'all')
		expect(tail.data).toEqual(['0', '1', '2', '3'])
	})
})

test('of several events at once, one that the stream refuses is rejected and the others are stored once', async () => {
	const log = broker()
	const tail = await follow(log)
	await manager.streams.update('SSE', { max_msg_size: 5_000 })
	const sent = ['0', '1', 'x'.repeat(10_000), '3', '4']
	const settled = await Promise.allSettled(sent.map((data) => log.append([entry(data)])))
	await log.append([entry('5')])
	await tail.until(() => tail.data.includes('5'), 'all')
	expect(tail.data).toEqual(['0', '1', '3', '4', '5'])
	expect(settled[2]).toMatchObject({ status: 'rejected', reason: { code: 'failed' } })
	const cursors = settled.flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
	expect(cursors).toEqual(tail.seen.slice(0, 4).map(({ cursor }) => cursor))
})

describe('a stream of an earlier version', () => {
	let messages = 0

	/** As an earlier version does it. */
	async function publish(...data: string[]): Promise<void> {
		const envelope = { t: 1_700_000_000_000, e: data.map((text) => ['t', 'n', text, '']) }
		const options = { msgID: `earlier-${++messages}-0` }
		await jetstream(connection).publish('SSE.log', JSON.stringify(envelope), options)
	}

	/** Makes the stream with three messages in it; returns a cursor that a client still has. */
	async function earlier(): Promise<Cursor> {
		const { created } = await manager.streams.add({ name: 'SSE', subjects: ['SSE.log'] })
		await publish('0')
		await publish('1', '2', '3')
		await publish('4')
		const seconds = Math.floor(Date.parse(created) / 1_000).toString(36)
		const fraction = /\.(\d+)/.exec(created)?.[1]?.padEnd(9, '0')
		const epoch = seconds + Number(fraction).toString(36).padStart(6, '0')
		return formatCursor({ epoch, sequence: 2, mark: (1_700_000_000_000 * 1_000 + 1) * 2 })
	}

	test('is taken over with all that it holds', async () => {
		const cursor = await earlier()
		const log = broker()
		const page = await log.read(cursor, { limit: 9 })
		expect(page.gap).toBeUndefined()
		expect(page.entries.map(({ data }) => data)).toEqual(['3', '4'])
		const tail = new Recorder(log, { after: cursor })
		await log.append([entry('5')])
		await tail.untilSeen(3)
		expect(tail.data).toEqual(['3', '4', '5'])
		expect(tail.gaps).toEqual([])
	})

	test('is shared with processes of that version', async () => {
		await earlier()
		const log = broker()
		const tail = await follow(log)
		for (const round of [0, 1, 2]) {
			await publish(`${round}a`, `${round}b`)
			await log.append([entry(`${round}c`)])
		}
		await tail.untilSeen(9)
		expect(tail.data).toEqual(
			[0, 1, 2].flatMap((round) => ['a', 'b', 'c'].map((one) => round + one))
		)
		expect(tail.gaps).toEqual([])
	})

	// Every append failed until the process was started again.
	test('is put right again if somebody takes its subjects away', async () => {
		const log = broker()
		const tail = await follow(log)
		await log.append([entry('0')])
		await manager.streams.update('SSE', { subjects: ['SSE.log'] })
		await log.append([entry('1')])
		await tail.untilSeen(2)
		expect(tail.data).toEqual(['0', '1'])
		expect(tail.gaps).toEqual([])
	})
})

test('a stream that is gone is made again by an append that does not wait', async () => {
	const log = broker()
	await log.append([entry('0')])
	await manager.streams.delete('SSE')
	const [cursor] = await log.append([entry('1')])
	expect(await log.head()).toBe(cursor)
	expect(parseCursor(cursor)).toMatchObject({ sequence: 1 })
})

test.each([
	['plain', 'x'],
	['of two bytes', 'ü'],
	['of four bytes', '🙂'],
	['that JSON escapes', '\n'],
	['that are no text', '\ud800']
])('an event about as large as a message fits, or is too large: characters %s', async (_, one) => {
	const own = await connect({ servers: server.url })
	onTestFinished(() => own.close())
	const statuses: string[] = []
	void (async () => {
		for await (const { type } of own.status()) statuses.push(type)
	})()
	const log = broker(own)
	const tail = await follow(log)
	const most = own.info!.max_payload
	const size = new TextEncoder().encode(JSON.stringify(one)).length - 2
	const codes: string[] = []
	for (let room = 1_100; room >= -100; room -= 12) {
		const data = one.repeat(Math.floor((most - room) / size))
		const code = await log.append([entry(data), entry('small')]).then(
			() => 'stored',
			({ code }) => String(code)
		)
		if (codes.at(-1) !== code) codes.push(code)
	}
	expect(codes).toEqual(['stored', 'too-large'])
	const before = tail.seen.length
	await log.append([entry('after')])
	await tail.until(() => tail.data.includes('after'), 'all')
	expect(tail.seen.length).toBeGreaterThan(before)
	expect(statuses).toEqual([])
})

test('a purged stream is trimmed, for cursors and for tails', async () => {
	const log = broker()
	const start = await log.head()
	const [first] = await log.append([entry('0')])
	const [second] = await log.append([entry('1')])
	await log.append([entry('2')])
	await manager.streams.purge('SSE', { seq: 3 })
	expect(await log.read(start, { limit: 5 })).toMatchObject({ gap: 'trimmed' })
	expect(await log.read(first as Cursor, { limit: 5 })).toMatchObject({ gap: 'trimmed' })
	const page = await log.read(second as Cursor, { limit: 5 })
	expect(page.entries.map(({ data }) => data)).toEqual(['2'])
	const tail = new Recorder(log, { after: first as Cursor })
	await tail.untilLive()
	expect(tail.gaps).toMatchObject([{ reason: 'trimmed' }])
	expect(tail.data).toEqual(['2'])
})

test('a cursor in the middle of an append that is gone is trimmed, at its end it is not', async () => {
	const log = broker()
	const cursors = await log.append([entry('0'), entry('1'), entry('2')])
	await log.append([entry('3')])
	await manager.streams.purge('SSE', { seq: 2 })
	expect(await log.read(cursors[1] as Cursor, { limit: 5 })).toMatchObject({ gap: 'trimmed' })
	const page = await log.read(cursors[2] as Cursor, { limit: 5 })
	expect(page.entries.map(({ data }) => data)).toEqual(['3'])
	await manager.streams.purge('SSE')
	const last = await log.head()
	expect(await log.read(last, { limit: 5 })).toEqual({ entries: [], more: false })
	expect(await log.read(cursors[2] as Cursor, { limit: 5 })).toMatchObject({ gap: 'trimmed' })
})

test('a cursor whose message is another one by now is unknown', async () => {
	const log = broker()
	const [cursor] = await log.append([entry('0')])
	await log.append([entry('1')])
	const position = parseCursor(cursor) as Position
	const other = formatCursor({ ...position, mark: position.mark - 2_000 })
	expect(await log.read(other, { limit: 5 })).toMatchObject({ gap: 'unknown' })
	const tail = new Recorder(log, { after: other })
	await tail.untilLive()
	await log.append([entry('2')])
	await tail.untilSeen(1)
	expect(tail.gaps).toMatchObject([{ reason: 'unknown' }])
	expect(tail.data).toEqual(['2'])
})

test('a message deleted out of the middle is a gap', async () => {
	const log = broker()
	const start = await log.head()
	for (const data of ['0', '1', '2', '3', '4']) await log.append([entry(data)])
	await manager.streams.deleteMessage('SSE', 3)
	const tail = new Recorder(log, { after: start })
	await tail.untilSeen(4)
	expect(tail.data).toEqual(['0', '1', '3', '4'])
	expect(tail.gaps).toMatchObject([{ reason: 'trimmed' }])
	expect(await log.read(start, { limit: 9 })).toMatchObject({ gap: 'trimmed' })
})

test('a consumer that somebody deletes is replaced, and nothing is missed', async () => {
	const log = broker()
	const tail = await follow(log)
	await log.append([entry('before')])
	await tail.untilSeen(1)
	for await (const { name } of manager.consumers.list('SSE')) {
		await manager.consumers.delete('SSE', name)
	}
	await log.append([entry('meanwhile')])
	await tail.untilSeen(2)
	expect(tail.data).toEqual(['before', 'meanwhile'])
	expect(tail.gaps).toEqual([])
})

// What servers before 2.15 do where the consumer comes to be on one whose copy lags.
test('a consumer that begins too early repeats nothing and leaves nothing out', async () => {
	const early = tampered('CONSUMER.CREATE', {
		ask: ({ config }) => (config.opt_start_seq = Math.max(1, config.opt_start_seq - 3))
	})
	const [log, other] = [broker(), broker(early)]
	const sent = ['0', '1', '2', '3', '4', '5', '6', '7']
	const cursors: Cursor[] = []
	for (const data of sent) cursors.push(...(await log.append([entry(data)])))
	const after = cursors[3] as Cursor
	for (const limit of [1, 2, 9]) {
		const page = await other.read(after, { limit })
		expect(page.gap).toBeUndefined()
		expect(page.entries.map(({ data }) => data)).toEqual(sent.slice(4, 4 + limit))
	}
	const tails = (['now', { after }, { last: 2 }] as const).map(
		(start) => new Recorder(other, start)
	)
	await Promise.all(tails.map((tail) => tail.untilLive()))
	await log.append([entry('8')])
	await Promise.all(tails.map((tail) => tail.until(() => tail.data.includes('8'), 'all')))
	expect(tails.map(({ data }) => data)).toEqual([['8'], ['4', '5', '6', '7', '8'], ['6', '7', '8']])
	expect(tails.flatMap(({ gaps }) => gaps)).toEqual([])
})

test('a copy that lags is waited for by who reads', async () => {
	const log = broker()
	const start = await log.head()
	await log.append([entry('0')])
	// It is told of an entry that has not come yet.
	const ahead = tampered('STREAM.INFO', { answer: ({ state }) => (state.last_seq = 2) })
	const reading = broker(ahead, { timeout: wait }).read(start, { limit: 5 })
	const consumers = async () => (await manager.streams.info('SSE')).state.consumer_count
	await eventually(async () => (await consumers()) > 0, 'it reads')
	await log.append([entry('1')])
	expect((await reading).entries.map(({ data }) => data)).toEqual(['0', '1'])
})

// Before 2.15 each server has a time of its own for that, until it has read what the cluster says.
test('a stream that another process makes at the same time has one time of making', async () => {
	let agreedAt = 0
	const making = tampered('STREAM.CREATE', {
		ask: (body) => Object.assign(body, { num_replicas: 1 }),
		answer(body) {
			delete body.did_create
			agreedAt = Date.now() + 200
		}
	})
	const answer = (body: Body) => {
		if (!body.created) return
		body.config.num_replicas = 3
		if (Date.now() < agreedAt) body.created = new Date().toISOString()
	}
	const far = tampered('STREAM.INFO', { answer }, making)
	const head = await broker(far, { replicas: 3 }).head()
	expect(head).toBe(await broker().head())
})

test.each([
	['while no server leads the stream', { name: 'C' }],
	['while its leader is behind', { name: 'C', leader: 'one' }]
])('%s, nothing is told that is not so, and nothing is missed', async (_, cluster) => {
	let lags = false
	let asked = 0
	const far = tampered('STREAM.INFO', {
		answer(body) {
			if (!lags) return
			asked++
			body.cluster = cluster
			body.config.num_replicas = 3
			Object.assign(body.state, { messages: 0, first_seq: 0, last_seq: 0 })
		}
	})
	const [log, other] = [broker(), broker(far)]
	const tail = await follow(other)
	const [cursor] = await log.append([entry('before')])
	await tail.untilSeen(1)
	lags = true
	const away = { code: 'network' }
	await expect(other.read(cursor as Cursor, { limit: 5 })).rejects.toMatchObject(away)
	await expect(other.head()).rejects.toMatchObject(away)
	for await (const { name } of manager.consumers.list('SSE')) {
		await manager.consumers.delete('SSE', name)
	}
	// Twice by this test, and by the tail that has lost its consumer.
	await eventually(async () => asked > 3, 'the tail has asked too')
	await log.append([entry('meanwhile')])
	lags = false
	await tail.untilSeen(2)
	expect(tail.data).toEqual(['before', 'meanwhile'])
	expect(tail.gaps).toEqual([])
})

test('a stream made anew and grown beyond the old one is still noticed', async () => {
	const [log, other] = [broker(), broker()]
	const tail = await follow(log)
	const [old] = await log.append([entry('old')])
	await tail.untilSeen(1)
	await manager.streams.delete('SSE')
	for (const data of ['1', '2', '3']) await other.append([entry(data)])
	expect(await other.read(old as Cursor, { limit: 5 })).toMatchObject({ gap: 'epoch' })
	await tail.untilSeen(4)
	expect(tail.data).toEqual(['old', '1', '2', '3'])
	expect(tail.gaps).toMatchObject([{ reason: 'epoch' }])
})

// It was taken for lost, since the stream did not reach that far when it was asked.
test('what this process appends while its tail finds its place is no gap', async () => {
	let meanwhile = async () => {}
	const request: NatsConnection['request'] = async (subject, ...rest) => {
		const message = await connection.request(subject, ...rest)
		if (subject.startsWith('$JS.API.STREAM.INFO.')) await meanwhile()
		return message
	}
	const log = broker(Object.create(connection, { request: { value: request } }))
	const [first] = await log.append([entry('0')])
	await log.append([entry('1')])
	meanwhile = async () => {
		meanwhile = async () => {}
		await log.append([entry('2')])
	}
	const tail = new Recorder(log, { after: first as Cursor })
	await tail.untilSeen(2)
	expect(tail.data).toEqual(['1', '2'])
	expect(tail.gaps).toEqual([])
})

test('a stream that was set back is a gap, and told once', async () => {
	const log = broker()
	const tail = await follow(log)
	await log.append([entry('kept')])
	await tail.untilSeen(1)
	const copy = await temporaryDirectory('nats-copy')
	onTestFinished(() => rm(copy, { recursive: true, force: true }))
	await server.stop()
	await cp(server.dir, copy, { recursive: true })
	await server.start()
	const [lost] = await log.append([entry('lost')], { wait })
	await tail.untilSeen(2)
	await server.stop()
	await rm(server.dir, { recursive: true })
	await rename(copy, server.dir)
	await server.start()
	await tail.until(() => tail.gaps.length > 0, 'a gap')
	await tail.untilLive(3)
	await server.restart()
	await tail.untilLive(4)
	expect(tail.data).toEqual(['kept', 'lost'])
	expect(tail.gaps).toMatchObject([{ reason: 'unknown' }])
	expect(await log.read(lost as Cursor, { limit: 5 })).toMatchObject({ gap: 'unknown' })
})

// It was not live, nor did anybody hear of it, until the next entry came.
test.each([
	['with the last entries', () => ({ last: 2 }), []],
	['from a cursor', (cursors: Cursor[]) => ({ after: cursors[2] as Cursor }), []],
	['that is behind', (cursors: Cursor[]) => ({ after: cursors[0] as Cursor }), ['trimmed']]
])('a tail %s is live although they went while it began', async (_, startAt, gaps) => {
	const log = broker()
	const cursors: Cursor[] = []
	for (const data of ['0', '1', '2']) cursors.push(...(await log.append([entry(data)])))
	const request: NatsConnection['request'] = async (subject, ...rest) => {
		if (subject.startsWith('$JS.API.CONSUMER.CREATE.')) await manager.streams.purge('SSE')
		return connection.request(subject, ...rest)
	}
	const far = Object.create(connection, { request: { value: request } })
	const tail = new Recorder(broker(far), startAt(cursors))
	await tail.untilLive()
	await log.append([entry('3')])
	await tail.untilSeen(1)
	expect(tail.data).toEqual(['3'])
	expect(tail.gaps.map(({ reason }) => reason)).toEqual(gaps)
})

test('an append over the server’s limit is sent in parts, and comes back whole', async () => {
	const log = broker()
	const start = await log.head()
	const sent = Array.from({ length: 1_700 }, (_, index) => entry(`${index}${'ü'.repeat(1_000)}`))
	const cursors = await log.append(sent)
	const page = await log.read(start, { limit: 2_000 })
	expect(page.entries.map(({ data }) => data)).toEqual(sent.map(({ data }) => data))
	expect(page.entries.map(({ cursor }) => cursor)).toEqual(cursors)
})

test('a single event over the server’s limit is refused with the remedy, and alone', async () => {
	const log = broker()
	const [small, large, other] = await Promise.allSettled([
		log.append([entry('small')]),
		log.append([entry('x'.repeat(2_000_000))]),
		log.append([entry('other')])
	])
	expect(large).toMatchObject({ reason: { code: 'too-large' } })
	expect(String((large as PromiseRejectedResult).reason)).toMatch(/raise `max_payload`/)
	expect([small?.status, other?.status]).toEqual(['fulfilled', 'fulfilled'])
})

test('a message that is not ours is reported and passed over', async () => {
	const log = broker()
	const tail = await follow(log)
	connection.publish('SSE.log', 'no envelope')
	await log.append([entry('ours')])
	await tail.untilSeen(1)
	expect(tail.data).toEqual(['ours'])
	expect(tail.gaps).toEqual([])
	expect(errors.filter((message) => message.includes('no envelope'))).toHaveLength(1)
})

test('an entry of others that is no text is a nameless one of its topic, beside the good ones', async () => {
	const log = broker()
	const tail = await follow(log)
	const items = [
		['t', 'n', 'good', ''],
		['bad', 'x', 5, ''],
		['bad', 'x', null, ''],
		['bad'],
		7,
		null
	]
	connection.publish(
		'SSE.log',
		JSON.stringify({ t: Date.now(), e: [...items, ['t', 'n', 'last', '']] })
	)
	await tail.untilSeen(7)
	expect(tail.seen.map(({ topic, name, data }) => [topic, name, data])).toEqual([
		['t', 'n', 'good'],
		['bad', '', ''],
		['bad', '', ''],
		['bad', '', ''],
		['', '', ''],
		['', '', ''],
		['t', 'n', 'last']
	])
	await log.append([entry('after')])
	await tail.untilSeen(8)
	expect(tail.gaps).toEqual([])
})

test.each([[['SSE.>']], [['other', 'SSE.*', 'SSE.log.*']]])(
	'subjects that hold ours are left as they are (%j)',
	async (subjects) => {
		await manager.streams.add({ name: 'SSE', subjects })
		const log = broker()
		const tail = await follow(log)
		await log.append([entry('x')])
		await tail.untilSeen(1)
		expect((await manager.streams.info('SSE')).config.subjects).toEqual(subjects)
	}
)

test('a changed history changes the stream', async () => {
	await broker(connection, { history: { events: 5_000 } }).head()
	await broker(connection, { history: { events: 2_000, age: 60_000 } }).head()
	const { config } = await manager.streams.info('SSE')
	expect(config).toMatchObject({ max_msgs: 2_000, max_age: 60_000_000_000 })
})

test('a connection that is closed for good says what to do', async () => {
	const own = await connect({ servers: server.url })
	const log = broker(own)
	await log.append([entry('x')])
	await own.close()
	await expect(log.append([entry('y')])).rejects.toThrow(/maxReconnectAttempts: -1/)
	await expect(log.head()).rejects.toMatchObject({ code: 'network' })
})

test.each(['', 'a b', 'a.b', '*', '>', 'x'.repeat(101), 'ü', 'a\n'])(
	'the stream %j is refused at the call',
	(stream) => {
		expect(() => nats(connection, { stream })).toThrow(/`stream` must be 1 to 100 letters/)
	}
)

test('something that is no connection is refused at the call', () => {
	expect(() => nats({} as never)).toThrow(/must be a connection that `connect`/)
})

test('close leaves no handle and no consumer', async () => {
	const handles = process.getActiveResourcesInfo().length
	const log = nats(connection)
	const tail = await follow(log)
	const [cursor] = await log.append([entry('x')])
	await log.read(cursor as Cursor, { limit: 1 })
	await tail.untilSeen(1)
	await log.close()
	await log.close()
	const left = async () => process.getActiveResourcesInfo().length <= handles
	await eventually(left, 'handles are gone')
	const consumers = async () => (await manager.streams.info('SSE')).state.consumer_count
	await eventually(async () => (await consumers()) === 0, 'consumers are gone')
})
