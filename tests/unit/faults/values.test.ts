import { derived, get, type Readable } from 'svelte/store'
import { describe, expect } from 'vitest'
import { defineEvents, type Schema, type SseChannel } from '../../../src/lib/index.js'
import { events, flushPromises, listen, test, watch } from './fixture.js'

const even = (number: number) => number % 2 === 0

describe('an accumulator that is mutated', () => {
	const push = (all: string[], text: string) => {
		all.push(text)
		return all
	}

	test('counts as changed for every store subscriber, and for what is derived of it', async ({
		connect,
		server
	}) => {
		const { connection } = connect()
		const all = connection.select('message').scan(push, [])
		const lengths: number[] = []
		all.subscribe((items) => lengths.push(items.length))
		const size = watch(all.transform((items) => items.length))
		const store = watch(derived(all, (items) => items.join()))
		await flushPromises()
		await server.last.hello({ text: events('a', 'b', 'c') })
		expect(lengths).toEqual([0, 1, 2, 3])
		expect(size.seen.filter((length) => length !== null)).toEqual(expect.arrayContaining([1, 2, 3]))
		expect(store.seen).toEqual(['', 'a', 'a,b', 'a,b,c'])
	})

	// Two channels of one initial array showed each other's items.
	test('is never the `initial` that was given, nor shared by two channels', async ({
		connect,
		server
	}) => {
		const { connection } = connect()
		const initial: string[] = []
		const channel = connection.select('message')
		const [one, two] = [channel.scan(push, initial), channel.scan(push, initial)]
		watch(one)
		watch(two)
		await flushPromises()
		await server.last.hello({ text: events('a', 'b') })
		expect(initial).toEqual([])
		expect([one.current, two.current]).toEqual([
			['a', 'b'],
			['a', 'b']
		])
		expect(channel.scan(push, initial).current).toEqual([])
	})

	test('begins with a fresh `initial` for another URL', async ({ connect, server }) => {
		let room = 1
		const { connection } = connect({}, () => `/events?room=${room}`)
		const all = connection.select('message').scan(push, [])
		watch(all)
		for (const text of ['a', 'b']) {
			connection.connect()
			await flushPromises()
			await server.last.hello({ text: events(text) })
			expect(all.current).toEqual([text])
			connection.close()
			room++
		}
	})

	const initials: [string, () => object, (value: object) => unknown][] = [
		['a nested object', () => ({ deep: { items: [] } }), (value) => value],
		['a map', () => new Map(), (value) => [...(value as Map<string, string>)]],
		['a set', () => new Set(), (value) => [...(value as Set<string>)]]
	]
	for (const [what, make, look] of initials)
		test(`leaves ${what} as it was given`, async ({ connect, server }) => {
			const initial = make()
			const mutate = (value: object, text: string): object => {
				if (value instanceof Map) value.set(text, text)
				else if (value instanceof Set) value.add(text)
				else (value as { deep: { items: string[] } }).deep.items.push(text)
				return value
			}
			const channel = connect().connection.select('message').scan(mutate, initial)
			watch(channel)
			await flushPromises()
			await server.last.hello({ text: events('a') })
			expect(look(initial)).toEqual(look(make()))
			expect(look(channel.current)).not.toEqual(look(make()))
		})

	test('may be an object of a class, which stays what it is', async ({ connect, server }) => {
		class Tally extends Map<string, number> {
			count(text: string): this {
				return this.set(text, (this.get(text) ?? 0) + 1)
			}
		}
		const channel = connect()
			.connection.select('message')
			.scan((tally, text) => tally.count(text), new Tally())
		watch(channel)
		await flushPromises()
		await server.last.hello({ text: events('a', 'a') })
		expect([...channel.current]).toEqual([['a', 2]])
	})

	test('may be something that cannot be copied, such as an object with functions', async ({
		connect,
		server
	}) => {
		const initial = { count: 0, more: () => 1 }
		const channel = connect()
			.connection.select('message')
			.scan((value) => ({ ...value, count: value.count + value.more() }), initial)
		watch(channel)
		await flushPromises()
		await server.last.hello({ text: events('a', 'b') })
		expect([channel.current.count, initial.count]).toEqual([2, 0])
	})
})

describe('store subscribers see no torn pairs:', () => {
	/** What a derived store of several channels was computed with, once for each run. */
	function pairs(...stores: Readable<unknown>[]): unknown[][] {
		const seen: unknown[][] = []
		derived(stores, (values) => values).subscribe((values) => seen.push([...values]))
		return seen
	}

	const runs: [
		string,
		(a: SseChannel<number, number | null>) => Readable<unknown>[],
		unknown[][]
	][] = [
		[
			'a channel and its transform',
			(a) => [a, a.transform((n) => n * 10)],
			[
				[null, null],
				[1, 10],
				[2, 20],
				[3, 30]
			]
		],
		[
			'a transform and its channel',
			(a) => [a.transform((n) => n * 10), a],
			[
				[null, null],
				[10, 1],
				[20, 2],
				[30, 3]
			]
		],
		[
			'a chain',
			(a) => {
				const b = a.transform((n) => n * 10)
				return [a, b, b.transform((n) => n * 10)]
			},
			[
				[null, null, null],
				[1, 10, 100],
				[2, 20, 200],
				[3, 30, 300]
			]
		],
		[
			'a sum and a list',
			(a) => [a, a.scan((sum, n) => sum + n, 0), a.list()],
			[
				[null, 0, []],
				[1, 1, [1]],
				[2, 3, [1, 2]],
				[3, 6, [1, 2, 3]]
			]
		],
		[
			'a filter that leaves events out',
			(a) => [a, a.filter(even)],
			[
				[null, null],
				[1, null],
				[2, 2],
				[3, 2]
			]
		],
		[
			'what is made of a filter that leaves events out',
			(a) => [a, a.filter(even).transform((n) => n * 10), a.filter(even).list()],
			[
				[null, null, []],
				[1, null, []],
				[2, 20, [2]],
				[3, 20, [2]]
			]
		]
	]
	for (const [what, make, expected] of runs)
		// It ran once for each of them, with the old value of the other. In 0.14 it ran once per event.
		test(`${what}, once for each event`, async ({ connect, server }) => {
			const channel = connect().connection.select('message').json<number>()
			const seen = pairs(...make(channel))
			await flushPromises()
			await server.last.hello({ text: events('1', '2') })
			await server.last.write(events('3'))
			expect(seen).toEqual(expected)
		})

	test('a transform that throws for an event holds the others up for none', async ({
		connect,
		server,
		reported
	}) => {
		const channel = connect().connection.select('message').json<number>()
		const seen = pairs(
			channel,
			channel.transform((number) => {
				if (number === 2) throw new Error('mine')
				return number * 10
			})
		)
		await flushPromises()
		await server.last.hello({ text: events('1', '2', '3') })
		expect(seen).toEqual([
			[null, null],
			[1, 10],
			[2, 10],
			[3, 30]
		])
		expect(reported.splice(0)).toMatchObject([{ message: 'mine' }])
	})

	test('an event that is no JSON holds nobody up', async ({ connect, server }) => {
		const channel = connect().connection.select('message')
		const seen = pairs(
			channel,
			channel.json<number>(({ previous }) => previous)
		)
		await flushPromises()
		await server.last.hello({ text: events('1', 'no', '3') })
		expect(seen.slice(1)).toEqual([
			['1', 1],
			['no', 1],
			['3', 3]
		])
	})

	test('channels of two names each change on their own', async ({ connect, server }) => {
		const { connection } = connect()
		const seen = pairs(
			connection.select('a'),
			connection.select('b').transform((text) => text + text)
		)
		await flushPromises()
		await server.last.hello({ text: 'event: a\ndata: 1\n\nevent: b\ndata: 2\n\n' })
		expect(seen).toEqual([
			['', null],
			['1', null],
			['1', '22']
		])
	})

	test('listeners that read a sibling find it at the same event', async ({ connect, server }) => {
		const channel = connect().connection.select('message')
		const loud = channel.transform((text) => text.toUpperCase())
		const seen: unknown[] = []
		watch(loud)
		channel.subscribe((text) => seen.push([text, loud.current]))
		await flushPromises()
		await server.last.hello({ text: events('a', 'b') })
		expect(seen).toEqual([
			['', null],
			['a', 'A'],
			['b', 'B']
		])
	})
})

describe('what starts over', () => {
	test('takes with it what is made of its last value', async ({ connect, server, clock }) => {
		const { connection } = connect()
		const all = connection.select('message').list({ restart: true })
		const size = all.transform((items) => items.length)
		const many = all.filter((items) => items.length > 1)
		const sum = size.scan((sum, length) => sum + (length ?? 0), 0)
		for (const channel of [size, many, sum] as Readable<unknown>[]) watch(channel)
		await flushPromises()
		await server.last.hello({ text: events('a', 'b') })
		expect([size.current, many.current, sum.current]).toEqual([2, ['a', 'b'], 3])
		await server.last.end()
		await clock.advance(500)
		await server.last.hello()
		// A sum starts over if it was told to.
		expect([all.current, size.current, many.current, sum.current]).toEqual([[], null, [], 3])
	})

	test('shows nothing of another URL where the user’s function throws', async ({
		connect,
		server,
		reported
	}) => {
		let room = 1
		let isBroken = false
		const { connection } = connect({}, () => `/events?room=${room}`)
		const channel = connection.select('message').json<number>(() => {
			if (isBroken) throw new Error('mine')
			return 0
		})
		watch(channel)
		await flushPromises()
		await server.last.hello({ text: events('1') })
		expect(channel.current).toBe(1)
		isBroken = true
		room = 2
		connection.connect()
		await flushPromises()
		expect(get(channel)).toBe(null)
		isBroken = false
		await server.last.hello({ text: events('2') })
		expect(channel.current).toBe(2)
		expect(reported.splice(0)).toMatchObject([{ message: 'mine' }])
	})
})

describe('subscribe()', () => {
	test('calls its second argument before the value changes, for each event', async ({
		connect,
		server
	}) => {
		const channel = connect().connection.select('message')
		const log: string[] = []
		for (const [name, store] of [
			['plain', channel],
			['derived', channel.transform((text) => text)]
		] as [string, { subscribe(run: (value: unknown) => void, invalidate: () => void): unknown }][])
			store.subscribe(
				(value) => log.push(`${name} ${value}`),
				() => log.push(`${name} changes`)
			)
		log.length = 0
		await flushPromises()
		await server.last.hello({ text: events('a') })
		expect(log.slice(0, 2).sort()).toEqual(['derived changes', 'plain changes'])
		expect(log.slice(2).sort()).toEqual(['derived a', 'plain a'])
	})

	test('calls the second argument no more after it was unsubscribed', async ({
		connect,
		server
	}) => {
		const channel = connect().connection.select('message')
		listen(channel)
		let calls = 0
		const store = channel as { subscribe(run: () => void, invalidate: () => void): () => void }
		const stop = store.subscribe(
			() => {},
			() => calls++
		)
		await flushPromises()
		await server.last.hello({ text: events('a') })
		stop()
		await server.last.write(events('b'))
		expect(calls).toBe(1)
	})

	// The subscriber was never removed, and the connection never closed.
	test('leaves nothing when its first call throws', async ({ connect, server, clock }) => {
		const { connection } = connect()
		const channel = connection.select('message')
		for (const store of [channel, channel.json(), channel.list()] as Readable<unknown>[]) {
			let calls = 0
			const subscribe = () =>
				store.subscribe(() => {
					calls++
					throw new Error('mine')
				})
			expect(subscribe).toThrow('mine')
			await clock.advance(1_000)
			expect([connection.status, server.open.length]).toEqual(['idle', 0])
			const { seen, stop } = watch(store)
			await flushPromises()
			await server.last.hello({ text: events('1') })
			expect([calls, seen.length]).toEqual([1, 2])
			stop()
			await clock.advance(1_000)
			expect([connection.status, server.open.length]).toEqual(['idle', 0])
		}
	})

	test('works with get() while an event is told', async ({ connect, server }) => {
		const channel = connect().connection.select('message')
		const seen: unknown[] = []
		channel.on(() => seen.push(get(channel)))
		await flushPromises()
		await server.last.hello({ text: events('a', 'b') })
		expect(seen).toEqual(['a', 'b'])
	})
})

describe('an event that is no JSON', () => {
	test('shows in `error` along the whole chain, and is told once to the `error` callback', async ({
		connect,
		server
	}) => {
		const { connection, log } = connect()
		const json = connection.select('message').json<number>()
		const chain = [
			json,
			json.transform((number) => number),
			json.filter(even),
			json.list(),
			json.filter(even).scan((sum, number) => sum + number, 0),
			json.transform((number) => number).list()
		] as SseChannel<unknown, unknown>[]
		for (const channel of chain) watch(channel)
		await flushPromises()
		await server.last.hello({ text: events('1', 'no') })
		expect(chain.map(({ error }) => error?.code)).toEqual(Array(chain.length).fill('parse'))
		expect(new Set(chain.map(({ error }) => error)).size).toBe(1)
		expect(log.filter((entry) => entry.startsWith('error'))).toEqual([
			expect.stringMatching(/ !parse$/)
		])
		expect([connection.status, connection.error]).toEqual(['open', undefined])
		await server.last.write(events('still no'))
		expect(log.filter((entry) => entry.startsWith('error'))).toHaveLength(2)
	})

	// The error of a filter stayed until an event came that it lets through.
	test('is cleared along the whole chain by the next good event, one that a filter leaves out included', async ({
		connect,
		server
	}) => {
		const json = connect().connection.select('message').json<number>()
		const chain = [json, json.filter(even), json.filter(even).list()] as SseChannel<
			unknown,
			unknown
		>[]
		for (const channel of chain) watch(channel)
		await flushPromises()
		await server.last.hello({ text: events('2', 'no') })
		expect(chain.map(({ error }) => error?.code)).toEqual(['parse', 'parse', 'parse'])
		await server.last.write(events('3'))
		expect(chain.map(({ error }) => error)).toEqual([undefined, undefined, undefined])
	})

	test('is no event for listeners, loops and next() of the chain', async ({ connect, server }) => {
		const json = connect().connection.select('message').json<number>()
		const doubled = json.transform((number) => number * 2)
		const { got } = listen(doubled)
		const next = doubled.next()
		await flushPromises()
		await server.last.hello({ text: events('no', '1', 'no', '2') })
		expect([got, await next]).toEqual([[2, 4], 2])
	})
})

test('an event that does not fit its schema shows along the whole chain, and the next good one clears it', async ({
	connect,
	server
}) => {
	const schema: Schema<number, number> = {
		'~standard': {
			version: 1,
			vendor: 'test',
			validate: (value) =>
				typeof value === 'number' ? { value } : { issues: [{ message: 'no number' }] }
		}
	}
	const { connection, log } = connect({ events: defineEvents({ tick: schema }) })
	const tick = connection.select('tick')
	const chain = [
		tick,
		tick.transform(even),
		tick.filter(even),
		tick.filter(even).list()
	] as SseChannel<unknown, unknown>[]
	for (const channel of chain) watch(channel)
	await flushPromises()
	await server.last.hello({ text: 'event: tick\ndata: "a"\n\n' })
	expect(chain.map(({ error }) => error?.code)).toEqual(Array(4).fill('validation'))
	expect(log.filter((entry) => entry.startsWith('error'))).toHaveLength(1)
	await server.last.write('event: tick\ndata: 1\n\n')
	expect(chain.map(({ error }) => error)).toEqual(Array(4).fill(undefined))
})

describe('next()', () => {
	const texts = ['a', 'b', 'c', 'd', 'e']

	// It got the first of each burst.
	test('called in a loop gets every event of a burst', async ({ connect, server }) => {
		const channel = connect().connection.select('message')
		const got: string[] = []
		const loop = (async () => {
			for (;;) got.push(await channel.next())
		})()
		loop.catch(() => {})
		await flushPromises()
		await server.last.hello({ text: events(...texts) })
		await server.last.write(events(...texts))
		expect(got).toEqual([...texts, ...texts])
	})

	test('called in a loop gets every event of a burst of what is derived', async ({
		connect,
		server
	}) => {
		const channel = connect().connection.select('message').json<number>().filter(even)
		const got: number[] = []
		const loop = (async () => {
			for (;;) {
				got.push(await channel.next())
				await Promise.resolve()
			}
		})()
		loop.catch(() => {})
		await flushPromises()
		await server.last.hello({ text: events('1', '2', '3', '4', '5', '6') })
		expect(got).toEqual([2, 4, 6])
	})

	test('called in a loop gets every event that came before the end, and then rejects', async ({
		connect,
		server
	}) => {
		const channel = connect().connection.select('message')
		const got: string[] = []
		const loop = (async () => {
			for (;;) got.push(await channel.next())
		})()
		const over = expect(loop).rejects.toMatchObject({ code: 'closed' })
		await flushPromises()
		await server.last.hello({ text: events(...texts) })
		await server.last.goodbye('done')
		await over
		expect(got).toEqual(texts)
	})

	test('called several times at once gives each the same first event', async ({
		connect,
		server
	}) => {
		const channel = connect().connection.select('message')
		const all = [channel.next(), channel.next(), channel.next()]
		await flushPromises()
		await server.last.hello({ text: events('a', 'b') })
		expect(await Promise.all(all)).toEqual(['a', 'a', 'a'])
	})

	test('called long after the one before waits for an event from then on', async ({
		connect,
		server,
		clock
	}) => {
		const { connection } = connect()
		connection.connect()
		const channel = connection.select('message')
		const first = channel.next()
		await flushPromises()
		await server.last.hello({ ping: 0, text: events('a', 'b') })
		expect(await first).toBe('a')
		await clock.advance(60_000)
		await server.last.write(events('c'))
		const second = channel.next()
		await server.last.write(events('d'))
		expect(await second).toBe('d')
	})

	test('that is not called again holds the connection no longer than the linger', async ({
		connect,
		server,
		clock
	}) => {
		const { connection } = connect()
		const next = connection.select('message').next()
		await flushPromises()
		await server.last.hello({ text: events('a', 'b') })
		expect(await next).toBe('a')
		await clock.advance(100)
		expect([connection.status, clock.timers]).toEqual(['idle', 0])
	})
})

describe('the iterator of a channel', () => {
	const iterate = (channel: AsyncIterable<string>) =>
		channel[Symbol.asyncIterator]() as AsyncIterableIterator<string>

	test('is iterable itself, and goes on where it was', async ({ connect, server }) => {
		const iterator = iterate(connect().connection.select('message'))
		expect(iterator[Symbol.asyncIterator]()).toBe(iterator)
		const first = iterator.next()
		await flushPromises()
		await server.last.hello({ text: events('a', 'b', 'c') })
		await server.last.goodbye('done')
		expect(await first).toEqual({ value: 'a', done: false })
		const got: string[] = []
		for await (const data of iterator) got.push(data)
		expect(got).toEqual(['b', 'c'])
	})

	for (const way of ['return', 'throw'] as const)
		test(`has \`${way}\`, which lets go of the connection`, async ({ connect, server, clock }) => {
			const { connection } = connect()
			const iterator = iterate(connection.select('message'))
			await flushPromises()
			await server.last.hello({ text: events('a') })
			if (way === 'return')
				expect(await iterator.return!()).toEqual({ value: undefined, done: true })
			else await expect(iterator.throw!(new Error('mine'))).rejects.toThrow('mine')
			expect(await iterator.next()).toEqual({ value: undefined, done: true })
			await clock.advance(100)
			expect(connection.status).toBe('idle')
		})

	test('ends a wait that is under way by `return`', async ({ connect, server }) => {
		const iterator = iterate(connect().connection.select('message'))
		const waiting = iterator.next()
		await flushPromises()
		await server.last.hello()
		await iterator.return!()
		expect(await waiting).toEqual({ value: undefined, done: true })
	})

	test('can be passed to what takes async iterables', async ({ connect, server }) => {
		const iterator = iterate(connect().connection.select('message'))
		const all = (async () => {
			const got: string[] = []
			for await (const data of (async function* () {
				yield* iterator
			})())
				got.push(data)
			return got
		})()
		await flushPromises()
		await server.last.hello({ text: events('a', 'b') })
		await server.last.goodbye('done')
		expect(await all).toEqual(['a', 'b'])
	})
})
