import { describe, expect } from 'vitest'
import { derived, get } from 'svelte/store'
import { SseError } from '../../../src/lib/errors.js'
import { flushPromises } from '../../../src/lib/testing/flush-promises.js'
import type { Call } from '../../support/requests.js'
import { listen, test } from './fixture.js'

/** One event for each text. */
const events = (...data: string[]) => data.map((one) => `data: ${one}\n\n`).join('')

/** Writes down what a store shows. */
function watch<T>(store: { subscribe(run: (value: T) => void): () => void }): {
	seen: T[]
	stop: () => void
} {
	const seen: T[] = []
	return { seen, stop: store.subscribe((value) => seen.push(value)) }
}

describe('a channel', () => {
	test('is the same each time it is selected', ({ connect }) => {
		const { connection } = connect()
		expect(connection.select('a')).toBe(connection.select('a'))
		expect(connection.select('a')).not.toBe(connection.select('b'))
	})

	for (const name of [undefined as never, 'a\nb', 'a\rb', 'a\0b'])
		test(`cannot be named ${JSON.stringify(name)}`, ({ connect }) => {
			expect(() => connect().connection.select(name)).toThrow(
				expect.objectContaining({ code: 'invalid-argument' })
			)
		})

	// 0.14 knew them by the empty name only; other clients, and the standard, by that of `message`.
	test('of the empty name has the events without a name, and that of `message` has them too', async ({
		connect,
		requests
	}) => {
		const names: string[] = []
		const { connection } = connect({ message: ({ event }) => names.push(event) })
		const unnamed = listen(connection.select(''))
		const message = listen(connection.select('message'))
		const other = listen(connection.select('other'))
		await flushPromises()
		await requests.last.hello(
			30_000,
			'data: a\n\nevent: message\ndata: b\n\nevent\ndata: c\n\nevent: other\ndata: d\n\n'
		)
		expect({ unnamed: unnamed.got, message: message.got, other: other.got, names }).toEqual({
			unnamed: ['a', 'c'],
			message: ['a', 'b', 'c'],
			other: ['d'],
			names: ['message', 'message', 'message', 'other']
		})
	})

	test('of the empty name shows the last event, also to those who come later', async ({
		connect,
		requests
	}) => {
		const { connection } = connect()
		connection.connect()
		await flushPromises()
		await requests.last.hello(30_000, 'data: a\n\nevent: message\ndata: b\n\n')
		const { seen, stop } = watch(connection.select(''))
		expect(seen).toEqual(['a'])
		stop()
	})

	test('may be named like what every object has', ({ connect }) => {
		const { connection } = connect({ initial: { price: '5' } })
		expect(connection.select('price').current).toBe('5')
		for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty'])
			expect(connection.select(name).current).toBe('')
	})

	test('opens nothing by being made, nor by a look at it', async ({ connect, requests }) => {
		const { connection } = connect()
		const channel = connection.select('message')
		const values = [
			channel.current,
			channel.json().current,
			channel.transform((text) => text).current,
			channel.filter(() => true).current,
			channel.scan((sum) => sum, 1).current,
			channel.list().current
		]
		await flushPromises()
		expect(values).toEqual(['', null, null, '', 1, []])
		expect(requests.count).toBe(0)
	})

	test('tells listeners every event, equal ones and bursts included', async ({
		connect,
		requests
	}) => {
		const { got } = listen(connect().connection.select('message'))
		await flushPromises()
		const burst = Array.from({ length: 1_000 }, (_, index) => `${index}`)
		await requests.last.hello(30_000, events('same', 'same', 'same', '', ...burst))
		expect(got).toEqual(['same', 'same', 'same', '', ...burst])
	})

	test('tells stores its value at once, and every event, equal ones included', async ({
		connect,
		requests
	}) => {
		const { seen } = watch(connect().connection.select('message'))
		await flushPromises()
		await requests.last.hello(30_000, events('a', 'a'))
		expect(seen).toEqual(['', 'a', 'a'])
	})

	test('works with `get` and `derived` of svelte/store', async ({ connect, requests, clock }) => {
		const channel = connect().connection.select('message')
		const { seen, stop } = watch(derived(channel, (text) => `(${text})`))
		await flushPromises()
		await requests.last.hello(30_000, events('a'))
		expect(get(channel)).toBe('a')
		expect(seen).toEqual(['()', '(a)'])
		stop()
		await clock.advance(100)
		expect(requests.active).toEqual([])
	})

	test('says when and with which id an event came', async ({ connect, requests, clock }) => {
		const heard: unknown[] = []
		connect()
			.connection.select('message')
			.on((data, meta) => heard.push([data, meta.id, +meta.at]))
		await flushPromises()
		await requests.last.hello(30_000, 'id: 1\ndata: a\n\n')
		const first = +clock.date
		await clock.advance(1_000)
		await requests.last.write(events('b'))
		expect(heard).toEqual([
			['a', '1', first],
			['b', undefined, first + 1_000]
		])
	})

	test('goes on for others when a listener throws', async ({ connect, requests, reported }) => {
		const channel = connect().connection.select('message')
		channel.on(() => {
			throw new Error('mine')
		})
		const { got } = listen(channel)
		await flushPromises()
		await requests.last.hello(30_000, events('a', 'b'))
		expect(got).toEqual(['a', 'b'])
		expect(reported.splice(0)).toHaveLength(2)
	})

	test('tells no more to who has left, also in the middle of an event', async ({
		connect,
		requests
	}) => {
		const channel = connect().connection.select('message')
		const got: string[] = []
		const stops: (() => void)[] = []
		const stop = () => stops.forEach((each) => each())
		for (const name of ['one', 'two'])
			stops.push(channel.on((data) => (got.push(`${name} ${data}`), stop())))
		await flushPromises()
		await requests.last.hello(30_000, events('a', 'b'))
		expect(got).toEqual(['one a'])
	})

	test('keeps its value when it is left and read again', async ({ connect, requests, clock }) => {
		const channel = connect().connection.select('message')
		const { stop } = watch(channel)
		await flushPromises()
		await requests.last.hello(30_000, events('a'))
		stop()
		await clock.advance(100)
		expect(channel.current).toBe('a')
		expect(watch(channel).seen).toEqual(['a'])
	})
})

describe('json()', () => {
	test('parses, and shows `null` for what is no JSON', async ({ connect, requests }) => {
		const channel = connect().connection.select('message').json<{ a: number }>()
		const { seen } = watch(channel)
		const { got } = listen(channel)
		await flushPromises()
		await requests.last.hello(30_000, events('{"a":1}', 'no', '{"a":2}'))
		expect(seen).toEqual([null, { a: 1 }, null, { a: 2 }])
		expect(got).toEqual([{ a: 1 }, { a: 2 }])
	})

	test('asks `or`, before the first event too, and keeps the error until the next good one', async ({
		connect,
		requests
	}) => {
		const asked: unknown[] = []
		const channel = connect()
			.connection.select('message')
			.json<number>(({ error, raw, previous }) => {
				asked.push([error instanceof Error, raw, previous])
				return raw === '' ? 0 : previous
			})
		const { seen } = watch(channel)
		await flushPromises()
		await requests.last.hello(30_000, events('1', 'no'))
		expect(channel.error).toMatchObject({ code: 'parse' })
		await requests.last.write(events('2'))
		expect(channel.error).toBeUndefined()
		expect(seen).toEqual([0, 1, 1, 2])
		expect(asked).toEqual([
			[true, '', null],
			[true, 'no', 1]
		])
	})
})

describe('transform(), filter(), scan() and list()', () => {
	test('only see real events', async ({ connect, requests }) => {
		const channel = connect().connection.select('message')
		const seen: string[] = []
		const note = (name: string) => (data: unknown) => (seen.push(`${name} ${data}`), true)
		watch(channel.transform(note('transform')))
		watch(channel.filter(note('filter')))
		watch(channel.scan((_, data) => note('scan')(data), true))
		await flushPromises()
		await requests.last.hello(30_000, events('', 'a'))
		expect(seen).toEqual(['transform ', 'filter ', 'scan ', 'transform a', 'filter a', 'scan a'])
	})

	test('run once per event however many read them', async ({ connect, requests }) => {
		let runs = 0
		const doubled = connect()
			.connection.select('message')
			.json<number>()
			.transform((value) => (runs++, value * 2))
		const all = [watch(doubled), watch(doubled), watch(doubled.filter((value) => value > 2))]
		await flushPromises()
		await requests.last.hello(30_000, events('1', '2'))
		expect(all.map(({ seen }) => seen)).toEqual([
			[null, 2, 4],
			[null, 2, 4],
			[null, 4]
		])
		expect(runs).toBe(2)
	})

	test('hold the link, and let go of it', async ({ connect, requests, clock }) => {
		const { connection } = connect()
		const deep = connection
			.select('message')
			.json()
			.transform((value) => value)
			.filter(() => true)
			.list()
		const { stop } = watch(deep)
		await flushPromises()
		await requests.last.hello()
		expect(requests.active).toHaveLength(1)
		stop()
		await clock.advance(99)
		expect(requests.active).toHaveLength(1)
		await clock.advance(1)
		expect(requests.active).toHaveLength(0)
	})

	test('leave out an event on which the function throws, and say why', async ({
		connect,
		requests,
		reported
	}) => {
		const channel = connect()
			.connection.select('message')
			.transform((text) => {
				if (text === 'bad') throw new Error('mine')
				return text
			})
		const { seen } = watch(channel)
		await flushPromises()
		await requests.last.hello(30_000, events('a', 'bad'))
		expect(channel.error).toMatchObject({ code: 'callback', cause: { message: 'mine' } })
		await requests.last.write(events('b'))
		expect(seen).toEqual([null, 'a', 'b'])
		expect(channel.error).toBeUndefined()
		expect(reported.splice(0)).toMatchObject([{ message: 'mine' }])
	})

	test('collect tokens', async ({ connect, requests }) => {
		const text = connect()
			.connection.select('message')
			.scan((sum, token) => sum + token, '> ')
		watch(text)
		await flushPromises()
		await requests.last.hello(30_000, events('a', 'b', 'b'))
		expect(text.current).toBe('> abb')
	})

	test('keep a list, the newest `max` or one for each key', async ({ connect, requests }) => {
		const channel = connect().connection.select('message')
		const [all, newest, keyed] = [
			channel.list(),
			channel.list({ max: 2 }),
			channel.list({ key: (text) => text[0]!, max: 2 })
		]
		for (const each of [all, newest, keyed]) watch(each)
		await flushPromises()
		await requests.last.hello(30_000, events('a1', 'b1', 'a2', 'a2', 'c1'))
		expect([all.current, newest.current, keyed.current]).toEqual([
			['a1', 'b1', 'a2', 'a2', 'c1'],
			['a2', 'c1'],
			['b1', 'c1']
		])
	})

	test('give a new array for each event', async ({ connect, requests }) => {
		const { seen } = watch(connect().connection.select('message').list())
		await flushPromises()
		await requests.last.hello(30_000, events('a', 'b'))
		expect(seen).toEqual([[], ['a'], ['a', 'b']])
	})

	for (const max of [0, -1, NaN])
		test(`refuse a \`max\` of ${max}`, ({ connect }) => {
			expect(() => connect().connection.select('message').list({ max })).toThrow(SseError)
		})

	// To make a filter emptied the list, and the sum, that it was made from.
	test('lose nothing when a filter is made from them later', async ({ connect, requests }) => {
		const channel = connect().connection.select('message')
		const sum = channel.scan((sum, text) => sum + text, '')
		const all = channel.list()
		watch(sum)
		watch(all)
		await flushPromises()
		await requests.last.hello(30_000, events('a', 'b'))
		sum.filter(() => true)
		all.filter(() => true)
		await requests.last.write(events('c'))
		expect([sum.current, all.current]).toEqual(['abc', ['a', 'b', 'c']])
	})
})

describe('a late reader', () => {
	test('of a derived channel sees what the last event made', async ({ connect, requests }) => {
		const channel = connect().connection.select('message')
		listen(channel)
		await flushPromises()
		await requests.last.hello(30_000, events('1', '2'))
		const derivedChannel = channel.json<number>().transform((value) => value * 10)
		expect(derivedChannel.current).toBe(20)
		expect(watch(derivedChannel).seen).toEqual([20])
		expect(watch(channel.filter((text) => text === '1')).seen).toEqual([''])
	})

	test('of what is made of a sum or a list sees what it stands at', async ({
		connect,
		requests
	}) => {
		const channel = connect().connection.select('message')
		const [sum, all] = [channel.scan((sum, text) => sum + text, ''), channel.list()]
		listen(sum)
		listen(all)
		await flushPromises()
		await requests.last.hello(30_000, events('1', '2'))
		expect(sum.transform((text) => text.length).current).toBe(2)
		expect(watch(all.transform((items) => items.join())).seen).toEqual(['1,2'])
	})

	test('that listens hears nothing that was before', async ({ connect, requests }) => {
		const channel = connect().connection.select('message')
		listen(channel)
		await flushPromises()
		await requests.last.hello(30_000, events('1'))
		const { got } = listen(channel)
		await requests.last.write(events('2'))
		expect(got).toEqual(['2'])
	})
})

describe('next()', () => {
	test('resolves with the next event, not the last, and leaves out none of a burst', async ({
		connect,
		requests,
		clock
	}) => {
		const channel = connect().connection.select('message')
		const burst = (async () => [await channel.next(), await channel.next()])()
		await flushPromises()
		await requests.last.hello(30_000, events('a', 'b'))
		expect(await burst).toEqual(['a', 'b'])
		await requests.last.write(events('c'))
		const later = channel.next({ timeout: 1_000 })
		await requests.last.write(events('d'))
		expect(await later).toBe('d')
		await clock.advance(100)
		expect(requests.active).toEqual([])
	})

	for (const [what, end, error] of [
		['the connection ends', (call: Call) => call.goodbye('done'), { code: 'closed' }],
		['an error ends it', (call: Call) => call.goodbye('denied'), { code: 'denied' }]
	] as const)
		test(`rejects when ${what}`, async ({ connect, requests }) => {
			const next = connect().connection.select('message').next()
			const rejected = expect(next).rejects.toMatchObject(error)
			await flushPromises()
			await requests.last.hello()
			await end(requests.last)
			await rejected
		})

	test('rejects after its timeout, and by its signal', async ({ connect, requests, clock }) => {
		const channel = connect().connection.select('message')
		const controller = new AbortController()
		const outcomes = Promise.allSettled([
			channel.next({ timeout: 500 }),
			channel.next({ signal: controller.signal }),
			channel.next({ signal: AbortSignal.abort('early') })
		])
		await clock.advance(500)
		controller.abort('mine')
		expect(await outcomes).toMatchObject([
			{ reason: { code: 'timeout' } },
			{ reason: { code: 'aborted', cause: 'mine' } },
			{ reason: { code: 'aborted', cause: 'early' } }
		])
		await clock.advance(100)
		expect(requests.active).toEqual([])
	})

	// The others of the burst were lost, and the next call was the one that heard of the abort.
	test('keeps the rest of a burst when its signal aborts right after its event', async ({
		connect,
		requests
	}) => {
		const channel = connect().connection.select('message')
		const controller = new AbortController()
		const { signal } = controller
		const burst = (async () => [await channel.next({ signal }), await channel.next()])()
		channel.on(() => controller.abort())
		await flushPromises()
		await requests.last.hello(30_000, events('a', 'b'))
		expect(await burst).toEqual(['a', 'b'])
	})

	test('waits through losses', async ({ connect, requests, clock }) => {
		const next = connect().connection.select('message').next()
		await flushPromises()
		await requests.last.fail()
		await clock.advance(250)
		await requests.last.hello(30_000, events('a'))
		expect(await next).toBe('a')
	})
})

describe('a loop', () => {
	test('gets every event in order, however slow it is, and ends with the connection', async ({
		connect,
		requests
	}) => {
		const { connection } = connect()
		const got: string[] = []
		const loop = (async () => {
			for await (const data of connection.select('message')) {
				got.push(data)
				await flushPromises()
			}
		})()
		await flushPromises()
		const burst = Array.from({ length: 100 }, (_, index) => `${index}`)
		await requests.last.hello(30_000, events(...burst))
		await requests.last.goodbye('done')
		await loop
		expect(got).toEqual(burst)
	})

	test('that is left lets go of the link', async ({ connect, requests, clock }) => {
		const { connection } = connect()
		const loop = (async () => {
			for await (const data of connection.select('message')) if (data === 'b') break
		})()
		await flushPromises()
		await requests.last.hello(30_000, events('a', 'b', 'c'))
		await loop
		await clock.advance(100)
		expect(connection.status).toBe('idle')
	})

	test('throws what closed the connection, after the events before', async ({
		connect,
		requests
	}) => {
		const got: string[] = []
		const loop = (async () => {
			for await (const data of connect().connection.select('message')) got.push(data)
		})()
		const rejected = expect(loop).rejects.toMatchObject({ code: 'denied' })
		await flushPromises()
		await requests.last.hello(30_000, events('a'))
		await requests.last.goodbye('denied')
		await rejected
		expect(got).toEqual(['a'])
	})

	test('ends with an error when 10,000 events wait for it', async ({ connect, requests }) => {
		const iterator = connect().connection.select('message')[Symbol.asyncIterator]()
		await flushPromises()
		// More than one piece of the body: whoever waits for nothing else would have had its turn between.
		await requests.last.hello(30_000, 'data\n\n'.repeat(5_000))
		await requests.last.write('data\n\n'.repeat(5_001))
		await flushPromises()
		for (let count = 0; count < 10_000; count++)
			expect(await iterator.next()).toEqual({ value: '', done: false })
		await expect(iterator.next()).rejects.toMatchObject({ code: 'overflow' })
		expect(await iterator.next()).toEqual({ value: undefined, done: true })
	})

	test('may ask for several events ahead', async ({ connect, requests }) => {
		const iterator = connect().connection.select('message')[Symbol.asyncIterator]()
		const ahead = [iterator.next(), iterator.next(), iterator.next()]
		await flushPromises()
		await requests.last.hello(30_000, events('a', 'b'))
		await requests.last.goodbye('done')
		expect(await Promise.all(ahead)).toEqual([
			{ value: 'a', done: false },
			{ value: 'b', done: false },
			{ value: undefined, done: true }
		])
	})
})
