import * as v from 'valibot'
import { afterEach, describe, expect, test } from 'vitest'
import { devalueCodec } from '../../../src/lib/contract/devalue.js'
import {
	defineEvents,
	produce,
	source,
	textCodec,
	typed,
	type AnyEvents,
	type ProduceOptions,
	type ProducerConnection,
	type Schema,
	type SseConnection,
	type SourceEvent,
	type SourceOptions,
	type Untyped
} from '../../../src/lib/index.js'
import {
	assertNothingOpen,
	collect,
	flushPromises,
	manualClock,
	memoryFetch,
	restoreAll
} from '../../../src/lib/testing/index.js'

afterEach(async () => {
	try {
		await assertNothingOpen()
	} finally {
		restoreAll()
	}
})

const events = defineEvents({
	order: v.object({ id: v.string() }),
	tick: v.pipe(
		v.string(),
		v.transform((text) => Number(text))
	)
})

/** A server that sends what the test tells it to, and a client of another mind, or of the same; both are connected. */
async function connect<S extends AnyEvents = Untyped, T extends AnyEvents = Untyped>(
	serving: ProduceOptions<S>,
	reading: SourceOptions<T>
): Promise<{ connection: SseConnection<T>; server: ProducerConnection<S> }> {
	let server!: ProducerConnection<S>
	const fetch = memoryFetch(() => produce<S>((given) => void (server = given), serving))
	const connection = source<T>('http://app.test/feed', { fetch, ...reading })
	connection.connect()
	await flushPromises()
	return { connection, server }
}

describe('emit with a contract', () => {
	test('returns what does not fit, and sends nothing of it', async () => {
		const results: unknown[] = []
		const response = produce(
			({ emit, close }) => {
				results.push(emit('order', { id: 1 } as never).error)
				results.push(emit('ordre' as never, {} as never).error)
				results.push(emit('order', { id: '1' }).error)
				close()
			},
			{ events, ping: false }
		)
		expect(await response.text()).toBe(
			':sveltekit-sse/1 hello ping=0\n\nevent: order\ndata: {"id":"1"}\n\n:sveltekit-sse/1 close done\n\n'
		)
		expect(results).toMatchObject([
			{ code: 'validation', message: expect.stringContaining("The data of 'order'") },
			{ code: 'invalid-argument', message: expect.stringContaining("no event 'ordre'") },
			false
		])
	})

	test('says goodbye with an error when an async iterable yields what does not fit', async () => {
		const errors: Error[] = []
		const response = produce(
			async function* () {
				yield { event: 'order', data: { id: '1' } }
				yield { event: 'order', data: { id: 2 as never } }
			},
			{ events, error: (error) => errors.push(error) }
		)
		expect(await collect(response)).toHaveLength(1)
		expect(errors).toMatchObject([{ code: 'validation' }])
	})
})

describe('a channel with a contract', () => {
	test('leaves out what does not fit, says so, and goes on', async () => {
		const errors: SourceEvent[] = []
		const { connection, server } = await connect(
			{},
			{ events, error: (event) => errors.push(event) }
		)
		const log: unknown[] = []
		const order = connection.select('order')
		order.on((value) => log.push(value))
		await flushPromises()
		for (const data of ['{"id":"1"}', '{"id":2}']) server.emit('order', data)
		await flushPromises()
		expect(log).toEqual([{ id: '1' }])
		expect(order.current).toEqual({ id: '1' })
		expect([order.error?.code, connection.error, connection.status]).toEqual([
			'validation',
			undefined,
			'open'
		])
		expect(errors).toMatchObject([
			{ event: 'error', error: { code: 'validation' }, status: 200, willReconnect: false }
		])
		server.emit('order', '{')
		await flushPromises()
		expect(order.error?.code).toBe('parse')
		server.emit('order', '{"id":"3"}')
		await flushPromises()
		expect(log).toEqual([{ id: '1' }, { id: '3' }])
		expect(order.error).toBeUndefined()
		connection.close()
	})

	test('delivers what the schema makes of the value', async () => {
		const { connection, server } = await connect({ events }, { events })
		const ticks: number[] = []
		connection.select('tick').on((tick) => ticks.push(tick))
		await flushPromises()
		server.emit('tick', '41')
		server.emit('tick', '42')
		await flushPromises()
		expect(ticks).toEqual([41, 42])
		connection.close()
	})

	test('reads each event once, however many read it, and shows it to those who come late', async () => {
		let reads = 0
		const counted = defineEvents(
			{ order: typed<{ id: number }>() },
			{
				codec: {
					name: 'counted',
					encode: JSON.stringify,
					decode: (text) => (reads++, JSON.parse(text) as unknown)
				}
			}
		)
		const { connection, server } = await connect({ events: counted }, { events: counted })
		const order = connection.select('order')
		const seen: unknown[] = []
		const stops = [
			order.on((value) => seen.push(value)),
			order.transform(({ id }) => id).on((id) => seen.push(id)),
			order.filter(({ id }) => id > 0).subscribe(() => {})
		]
		await flushPromises()
		server.emit('order', { id: 1 })
		await flushPromises()
		expect([seen, reads]).toEqual([[{ id: 1 }, 1], 1])
		expect(connection.select('order').transform(({ id }) => -id).current).toBe(-1)
		expect(reads).toBe(1)
		for (const stop of stops) stop()
		connection.close()
	})

	test('shows late readers what cannot be read as what it is', async () => {
		const errors: string[] = []
		const { connection, server } = await connect(
			{},
			{ events, error: ({ error }) => errors.push(error!.message) }
		)
		const stop = connection.select('order').on(() => {})
		await flushPromises()
		server.emit('tick', '7')
		await flushPromises()
		const tick = connection.select('tick')
		expect(tick.current).toBeUndefined()
		expect(tick.error?.code).toBe('validation')
		expect(tick.current).toBeUndefined()
		expect(errors).toHaveLength(1)
		stop()
		connection.close()
	})

	test('shows the initial value, be it `null`', async () => {
		const users = defineEvents({ user: typed<string | null>() })
		const { connection } = await connect({}, { events: users, initial: { user: null } })
		expect(connection.select('user').current).toBeNull()
		connection.close()
	})

	test('refuses a name that the contract does not have', async () => {
		const { connection } = await connect({}, { events })
		expect(() => connection.select('ordre' as never)).toThrow('ordre')
		connection.close()
	})

	test('carries dates, maps, bytes and cycles by devalue, and classes by the transport hook', async () => {
		class Money {
			constructor(readonly cents: number) {}
		}
		const transport = {
			Money: {
				encode: (value: unknown) => value instanceof Money && [value.cents],
				decode: ([cents]: [number]) => new Money(cents)
			}
		}
		interface Row {
			at: Date
			by: Map<string, bigint>
			bytes: Uint8Array
			price: Money
			self?: unknown
		}
		const rich = defineEvents({ row: typed<Row>() }, { codec: devalueCodec(transport) })
		const { connection, server } = await connect({ events: rich }, { events: rich })
		const row = connection.select('row')
		const next = row.next()
		await flushPromises()
		const sent: Row = {
			at: new Date(5),
			by: new Map([['a', 1n]]),
			bytes: new Uint8Array([1, 2]),
			price: new Money(7),
			self: undefined as unknown
		}
		sent.self = sent
		expect(server.emit('row', sent).error).toBe(false)
		const received = await next
		expect([received.at, received.by, received.bytes, received.price.cents]).toEqual([
			new Date(5),
			new Map([['a', 1n]]),
			new Uint8Array([1, 2]),
			7
		])
		expect(received.price).toBeInstanceOf(Money)
		expect(received.self).toBe(received)
		connection.close()
	})

	test('carries text as it is', async () => {
		const tokens = defineEvents({ token: typed<string>() }, { codecs: { token: textCodec } })
		const response = produce(
			({ emit, close }) => {
				emit('token', ' a\n"b"')
				close()
			},
			{ events: tokens, ping: false }
		)
		expect(await response.clone().text()).toContain('event: token\ndata:  a\ndata: "b"\n\n')
		expect(await collect(response, { events: tokens })).toMatchObject([{ data: ' a\n"b"' }])
	})
})

describe('an asynchronous schema', () => {
	/** Lets the test say when each value has been checked. */
	function gated() {
		const gates = new Map<unknown, () => void>()
		const schema: Schema<number> = {
			'~standard': {
				version: 1,
				vendor: 'test',
				validate: (value) =>
					new Promise((resolve) =>
						gates.set(value, () =>
							resolve(
								(value as number) < 0
									? { issues: [{ message: 'negative' }] }
									: { value: value as number }
							)
						)
					)
			}
		}
		const open = async (value: unknown) => {
			gates.get(value)!()
			await flushPromises()
		}
		return { schema, open }
	}

	test('keeps the order of all events of the connection', async () => {
		const { schema, open } = gated()
		const slow = defineEvents({ slow: schema, fast: typed<string>() }, { validate: 'client' })
		const { connection, server } = await connect({ events: slow }, { events: slow })
		const log: unknown[] = []
		connection.select('slow').on((value) => log.push(value))
		connection.select('fast').on((value) => log.push(value))
		await flushPromises()
		server.emit('slow', 1)
		server.emit('fast', 'a')
		server.emit('slow', -2)
		server.emit('fast', 'b')
		server.emit('slow', 3)
		await flushPromises()
		await open(3)
		await open(-2)
		expect(log).toEqual([])
		expect(connection.select('slow').error).toBeUndefined()
		await open(1)
		expect(log).toEqual([1, 'a', 'b', 3])
		server.emit('fast', 'c')
		await flushPromises()
		expect(log).toEqual([1, 'a', 'b', 3, 'c'])
		connection.close()
	})

	test('tells of what does not fit in its place', async () => {
		const { schema, open } = gated()
		const slow = defineEvents({ slow: schema }, { validate: 'client' })
		const errors: (string | undefined)[] = []
		const { connection, server } = await connect(
			{ events: slow },
			{ events: slow, error: ({ error }) => errors.push((error as { code?: string }).code) }
		)
		const channel = connection.select('slow')
		const stop = channel.on(() => {})
		await flushPromises()
		server.emit('slow', -1)
		server.emit('slow', 1)
		await flushPromises()
		await open(-1)
		expect([channel.error?.code, errors]).toEqual(['validation', ['validation']])
		await open(1)
		expect([channel.error, channel.current]).toEqual([undefined, 1])
		stop()
		connection.close()
	})

	test('shows late readers an event once that comes while the one before is checked', async () => {
		const { schema, open } = gated()
		const slow = defineEvents({ slow: schema }, { validate: 'client' })
		const { connection, server } = await connect({ events: slow }, { events: slow })
		server.emit('slow', 1)
		await flushPromises()
		const shown: unknown[] = []
		const stop = connection.select('slow').subscribe((value) => shown.push(value))
		server.emit('slow', 2)
		await flushPromises()
		await open(1)
		await open(2)
		expect(shown).toEqual([undefined, 2])
		stop()
		connection.close()
	})

	test('shows late readers the last value once it is checked, as no event', async () => {
		const { schema, open } = gated()
		const slow = defineEvents({ slow: schema, fast: typed<string>() }, { validate: 'client' })
		const { connection, server } = await connect({ events: slow }, { events: slow })
		const stop = connection.select('fast').on(() => {})
		await flushPromises()
		server.emit('slow', 1)
		await flushPromises()
		const shown: unknown[] = []
		const heard: unknown[] = []
		const late = connection.select('slow')
		const stops = [
			late.subscribe((value) => shown.push(value)),
			late.on((value) => heard.push(value)),
			late.transform((value) => value * 2).subscribe((value) => shown.push(value))
		]
		expect(shown).toEqual([undefined, null])
		await open(1)
		expect(late.current).toBe(1)
		expect(shown.filter(Boolean).sort()).toEqual([1, 2])
		expect(heard).toEqual([])
		for (const end of [stop, ...stops]) end()
		connection.close()
	})

	test('is waited for by an async iterable', async () => {
		const { schema, open } = gated()
		const slow = defineEvents({ slow: schema })
		const errors: Error[] = []
		const response = produce(
			async function* () {
				for (const data of [1, 2, -3]) yield { event: 'slow', data }
			},
			{ events: slow, error: (error) => errors.push(error), ping: false }
		)
		const text = response.text()
		for (const value of [1, 2, -3]) {
			await flushPromises()
			await open(value)
		}
		expect(await text).toBe(
			':sveltekit-sse/1 hello ping=0\n\nevent: slow\ndata: 1\n\nevent: slow\ndata: 2\n\n:sveltekit-sse/1 close error\n\n'
		)
		expect(errors).toMatchObject([{ code: 'validation' }])
	})

	test('that answers after its reader has left is not heard', async () => {
		const { schema, open } = gated()
		const slow = defineEvents({ slow: schema }, { validate: 'client' })
		const { connection, server } = await connect({ events: slow }, { events: slow, linger: 0 })
		const log: unknown[] = []
		const channel = connection.select('slow')
		const stop = channel.on((value) => log.push(value))
		await flushPromises()
		server.emit('slow', 1)
		await flushPromises()
		stop()
		connection.close()
		await open(1)
		expect([log, channel.current]).toEqual([[], undefined])
	})

	test('that answers when another stream is on is not heard', async () => {
		const { schema, open } = gated()
		const slow = defineEvents({ slow: schema }, { validate: 'client' })
		const fetch = memoryFetch(({ url }: { url: URL }) =>
			produce<{ slow: number }>(({ emit }) => void emit('slow', Number(url.pathname.slice(1))), {
				events: slow
			})
		)
		let path = '/1'
		const connection = source(() => path, { fetch, events: slow })
		const log: unknown[] = []
		connection.select('slow').on((value) => log.push(value))
		await flushPromises()
		connection.close()
		path = '/2'
		connection.connect()
		await flushPromises()
		await open(1)
		await open(2)
		expect(log).toEqual([2])
		connection.close()
	})
})

describe('a version', () => {
	const versioned = (version: number, since?: number) =>
		defineEvents({ tick: typed<number>() }, { version, since })

	test('is announced in a comment, which other readers do not notice', async () => {
		const response = produce(({ close }) => close(), { events: versioned(3, 2), ping: false })
		expect(await response.text()).toBe(
			':sveltekit-sse/1 hello ping=0 events=3,2\n\n:sveltekit-sse/1 close done\n\n'
		)
	})

	test('that the client cannot read closes it, before any event', async () => {
		const log: unknown[] = []
		const fetch = memoryFetch(() =>
			produce<{ tick: number }>(({ emit }) => void emit('tick', 2), { events: versioned(2) })
		)
		const connection = source('/', {
			fetch,
			events: versioned(1),
			close: ({ reason, willReconnect }) => log.push([reason, willReconnect]),
			error: ({ error }) => log.push((error as { code?: string }).code)
		})
		connection.select('tick').on((tick) => log.push(tick))
		await flushPromises()
		expect(log).toEqual(['version', ['outdated', false]])
		expect([connection.status, connection.error?.code]).toEqual(['closed', 'version'])
	})

	test('of a server that is too old is waited out', async () => {
		using clock = manualClock()
		let version = 1
		const fetch = memoryFetch(() =>
			produce<{ tick: number }>(({ emit }) => void emit('tick', version), {
				events: versioned(version)
			})
		)
		const connection = source('/', { fetch, events: versioned(2) })
		const ticks: number[] = []
		connection.select('tick').on((tick) => ticks.push(tick))
		await flushPromises()
		expect([connection.status, connection.error?.code]).toEqual(['reconnecting', 'version'])
		version = 2
		await clock.advance(connection.retryAt!)
		expect([connection.status, ticks]).toEqual(['open', [2]])
		connection.close()
	})

	test.for<[string, number, number | undefined, number, number | undefined]>([
		['the same', 2, undefined, 2, undefined],
		['a newer server that still takes the client', 3, 2, 2, undefined],
		['an older server that the client takes', 2, undefined, 3, 2]
	])('is no obstacle: %s', async ([, serverVersion, serverSince, version, since]) => {
		const { connection, server } = await connect(
			{ events: versioned(serverVersion, serverSince) },
			{ events: versioned(version, since) }
		)
		const next = connection.select('tick').next()
		await flushPromises()
		server.emit('tick', 7)
		expect(await next).toBe(7)
		connection.close()
	})

	test('keeps clients of different versions on connections of their own', async () => {
		const fetch = memoryFetch(() => produce(() => {}))
		// Neither schemas nor a contract without a version tell two connections apart.
		const other = defineEvents({ tick: v.number() }, { version: 1 })
		const unversioned = defineEvents({ tick: typed<number>() })
		const contracts = [versioned(1), other, versioned(2), unversioned, undefined]
		const connections = contracts.map((contract) => source('/', { fetch, events: contract }))
		for (const connection of connections) connection.connect()
		await flushPromises()
		expect(fetch.requests).toHaveLength(3)
		for (const connection of connections) connection.close()
	})
})
