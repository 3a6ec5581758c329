import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { Hub, memory, type HubOptions } from '../../../src/lib/hub/index.js'
import { StreamLog } from '../../support/stream-log.js'

const hubs: Hub[] = []

function createHub(options?: HubOptions): Hub {
	const hub = new Hub(options)
	hubs.push(hub)
	return hub
}

afterEach(async () => {
	for (const hub of hubs.splice(0)) await hub.close()
})

function request(lastEventId?: string): Request {
	return new Request('http://localhost/', {
		method: 'POST',
		headers: lastEventId === undefined ? {} : { 'last-event-id': lastEventId }
	})
}

/** Reads the text of a stream until it contains something. */
function reading(response: Response) {
	const reader = response.body!.getReader()
	const decoder = new TextDecoder()
	let text = ''
	return {
		get text() {
			return text
		},
		async until(part: string): Promise<string> {
			while (!text.includes(part)) {
				const { done, value } = await reader.read()
				if (done) throw new Error(`ended without ${part}: ${text}`)
				text += decoder.decode(value, { stream: true })
			}
			return text
		},
		cancel: () => reader.cancel()
	}
}

function data(text: string): string[] {
	return [...text.matchAll(/^data: (.*)$/gm)].map((match) => match[1]!)
}

test('a broker is told from what it is made of', () => {
	const refused = (options: unknown) => () => new Hub(options as HubOptions)
	expect(refused({ broker: { connect() {} } })).toThrow(
		'`broker` must be what redis(client) and its like return, received an object.'
	)
})

// Who is present depends on it: some proxies pass on only at the third heartbeat that a client has left.
test('the ping of its streams is 15 s, 8 s on Bun, and whatever is asked for', async () => {
	const announced = async (ping?: number | false) => {
		const hub = createHub()
		const response = hub.stream('orders', { request: request(), ping })
		await hub.close()
		return (await new StreamLog(response).ended)[0]
	}
	const all = () => Promise.all([announced(), announced(30_000), announced(100), announced(false)])
	const asked = [{ hello: 30_000 }, { hello: 100 }, { hello: undefined }]
	expect(await all()).toEqual([{ hello: 15_000 }, ...asked])
	vi.stubGlobal('Bun', {})
	onTestFinished(() => void vi.unstubAllGlobals())
	expect(await all()).toEqual([{ hello: 8_000 }, ...asked])
})

describe('publishing', () => {
	test('reaches every stream of the topic, once and in order, and no other', async () => {
		const hub = createHub()
		const a = reading(hub.stream('orders', { request: request() }))
		const b = reading(hub.stream(['orders', 'news'], { request: request() }))
		const c = reading(hub.stream('news', { request: request() }))
		await Promise.all([a.until('id:'), b.until('id:'), c.until('id:')])
		await hub.publish('orders', 'created', { id: 1 })
		await hub.publish('news', 'flash', 'x')
		await hub.publish('orders', 'created', 'end')
		expect(data(await a.until('end'))).toEqual(['{"id":1}', 'end'])
		expect(data(await b.until('end'))).toEqual(['{"id":1}', 'x', 'end'])
		expect(data(await c.until('flash'))).toEqual(['x'])
	})

	test('leaves the sender out where asked', async () => {
		const hub = createHub()
		const me = reading(hub.stream('room', { request: request(), member: { id: 'me' } }))
		const you = reading(hub.stream('room', { request: request(), member: { id: 'you' } }))
		await Promise.all([me.until('"you"'), you.until('"me"')])
		await hub.publish('room', 'say', 'one', { except: 'me' })
		await hub.publish('room', 'say', 'two')
		expect(data(await me.until('two')).filter((text) => !text.startsWith('{'))).toEqual(['two'])
		expect(data(await you.until('two')).filter((text) => !text.startsWith('{'))).toEqual([
			'one',
			'two'
		])
	})

	test('returns an error instead of throwing', async () => {
		const hub = createHub()
		const { error } = await hub.publish('a', 'bad\nname', 1)
		expect(error).toMatchObject({ code: 'invalid-argument' })
		expect(await hub.publish('', 'name', 1)).toMatchObject({ error: { code: 'invalid-argument' } })
	})
})

describe('resuming', () => {
	test('goes on behind the cursor, without a gap and without a duplicate', async () => {
		const hub = createHub()
		const before = await hub.cursor()
		for (let i = 0; i < 600; i++) void hub.publish('n', 'n', String(i))
		await hub.publish('other', 'n', 'x')
		const again = reading(hub.stream('n', { request: request(before) }))
		for (let i = 600; i < 700; i++) void hub.publish('n', 'n', String(i))
		const text = await again.until('data: 699\n')
		expect(data(text)).toEqual(Array.from({ length: 700 }, (_, i) => String(i)))
		expect(text).not.toContain('gap')
	})

	test('tells of exactly one gap when the past is gone, then goes on live', async () => {
		const hub = createHub({ broker: memory({ history: { events: 5 } }), history: { events: 5 } })
		const before = await hub.cursor()
		for (let i = 0; i < 50; i++) await hub.publish('n', 'n', String(i))
		const again = reading(hub.stream('n', { request: request(before), last: true }))
		await again.until('id:')
		await hub.publish('n', 'n', 'live')
		const text = await again.until('live')
		expect(text.match(/gap/g)).toHaveLength(1)
		expect(data(text)).toEqual(['49', 'live'])
	})

	test.for(['nonsense', 'a-1-1', "'; drop table log; --", '9'.repeat(5_000)])(
		'takes the cursor %s of a stranger for unknown',
		async (cursor) => {
			const hub = createHub()
			const text = await reading(hub.stream('n', { request: request(cursor) })).until('id:')
			expect(text.match(/gap/g)).toHaveLength(1)
		}
	)
})

test('a loop in server code gets every event, and ends with its signal', async () => {
	const hub = createHub()
	const stop = new AbortController()
	const seen: unknown[] = []
	const done = (async () => {
		for await (const event of hub.subscribe('n', {
			after: await hub.cursor(),
			signal: stop.signal
		})) {
			seen.push(event.data)
			if (seen.length === 3) stop.abort()
		}
	})()
	for (let i = 0; i < 3; i++) await hub.publish('n', 'n', i)
	await done
	expect(seen).toEqual(['0', '1', '2'])
})

test('disconnect ends the streams of the topic with the reason', async () => {
	const hub = createHub()
	const stream = reading(hub.stream('user:1', { request: request() }))
	await stream.until('id:')
	expect(hub.connections('user:1')).toBe(1)
	await hub.disconnect('user:1', 'denied')
	await stream.until('close denied')
	expect(hub.connections()).toBe(0)
})

// What it was told while it was still catching up was taken for the past, and the stream went on.
test('disconnect ends the first stream of a process too, but not for what was said before it', async () => {
	const broker = memory()
	await createHub({ broker }).disconnect('user:1', 'denied')
	const hub = createHub({ broker })
	const stream = reading(hub.stream(['user:1', 'user:2'], { request: request() }))
	await hub.disconnect('user:2', 'expired')
	expect(await stream.until('close')).toContain('close expired')
})
