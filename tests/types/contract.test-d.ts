import { type as ark } from 'arktype'
import { describe, expectTypeOf, test } from 'vitest'
import {
	type SseError,
	defineEvents,
	produce,
	source,
	textCodec,
	typed,
	type Contract,
	type Emit,
	type EventsOptions,
	type In,
	type Out,
	type ProducerConnection,
	type SseChannel,
	type Unsafe
} from 'sveltekit-sse'
import { Hub } from 'sveltekit-sse/hub'
import { collect, mockSource, read } from 'sveltekit-sse/testing'
import * as v from 'valibot'
import * as z from 'zod'

interface Order {
	id: string
	total: number
}

const plain = defineEvents({ order: typed<Order>(), tick: typed<number>() })

const mixed = defineEvents({
	ofValibot: v.object({ id: v.string(), note: v.optional(v.string()) }),
	ofZod: z.object({ id: z.number() }),
	ofArktype: ark({ name: 'string', 'age?': 'number' }),
	ofType: typed<Order>()
})

const transforming = defineEvents({
	at: v.pipe(
		v.string(),
		v.isoTimestamp(),
		v.transform((text) => new Date(text))
	),
	limit: z.object({ most: z.number().default(10) }),
	amount: ark('string.numeric.parse')
})

describe('a contract', () => {
	test('of types alone carries these types', () => {
		expectTypeOf(plain).toEqualTypeOf<Contract<{ order: Order; tick: number }>>()
	})

	test('has nothing but what users need', () => {
		expectTypeOf<keyof Contract<{ order: Order }>>().toEqualTypeOf<
			'~events' | 'names' | 'version' | 'since' | 'has' | 'encode' | 'decode'
		>()
	})

	test('of schemas of any library carries what they accept', () => {
		expectTypeOf(mixed).toEqualTypeOf<
			Contract<{
				ofValibot: { id: string; note?: string | undefined }
				ofZod: { id: number }
				ofArktype: { name: string; age?: number }
				ofType: Order
			}>
		>()
	})

	test('tells what goes in from what comes out', () => {
		type Events = typeof transforming extends Contract<infer S> ? S : never
		expectTypeOf<In<Events, 'at'>>().toEqualTypeOf<string>()
		expectTypeOf<Out<Events, 'at'>>().toEqualTypeOf<Date>()
		expectTypeOf<In<Events, 'limit'>>().toEqualTypeOf<{ most?: number | undefined }>()
		expectTypeOf<Out<Events, 'limit'>>().toEqualTypeOf<{ most: number }>()
		expectTypeOf<In<Events, 'amount'>>().toEqualTypeOf<string>()
		expectTypeOf<Out<Events, 'amount'>>().toEqualTypeOf<number>()
	})

	test('keeps any and unknown as they are', () => {
		const _loose = defineEvents({ any: typed<any>(), unknown: typed<unknown>() }) // eslint-disable-line @typescript-eslint/no-explicit-any
		type Events = typeof _loose extends Contract<infer S> ? S : never
		expectTypeOf<In<Events, 'any'>>().toBeAny()
		expectTypeOf<Out<Events, 'unknown'>>().toBeUnknown()
	})

	test('has names by pattern', () => {
		const byPattern = defineEvents({ 'order:${string}': typed<Order>(), done: typed<null>() })
		expectTypeOf(byPattern).toEqualTypeOf<
			Contract<{ [name: `order:${string}`]: Order; done: null }>
		>()
		const connection = source('/orders', { events: byPattern })
		expectTypeOf(connection.select('order:42').current).toEqualTypeOf<Order | undefined>()
		// @ts-expect-error no event is called like this
		connection.select('invoice:42')
	})

	test('runs schemas that transform where the result is needed', () => {
		const at = v.pipe(v.string(), v.transform(Number))
		defineEvents({ at }, { validate: 'client' })
		// @ts-expect-error the client would get text and take it for a number
		defineEvents({ at }, { validate: 'server' })
		// @ts-expect-error in production it would run nowhere
		defineEvents({ at }, { validate: 'development' })
		defineEvents({ at: v.string() }, { validate: 'server' })
		defineEvents({ at: v.string() }, { validate: 'development' })
	})

	test('has options for events that there are', () => {
		defineEvents({ token: typed<string>() }, { codecs: { token: textCodec } })
		// @ts-expect-error no event is called like this
		defineEvents({ token: typed<string>() }, { codecs: { tokn: textCodec } })
		expectTypeOf<EventsOptions>().toHaveProperty('since')
	})

	test('takes schemas only', () => {
		// @ts-expect-error a type needs typed<T>()
		defineEvents({ token: 'string' })
	})
})

describe('emit', () => {
	test('accepts what the event carries', () => {
		produce(
			({ emit }) => {
				expectTypeOf(emit('order', { id: '1', total: 2 })).toEqualTypeOf<Unsafe<void>>()
				emit('tick', 1, { id: '7', retry: 1_000 })
				// @ts-expect-error no event is called like this
				emit('ordre', { id: '1', total: 2 })
				// @ts-expect-error the total is missing
				emit('order', { id: '1' })
				// @ts-expect-error a tick is a number
				emit('tick', '1')
			},
			{ events: plain }
		)
	})

	test('accepts what goes into a schema that transforms', () => {
		produce(
			({ emit }) => {
				emit('at', '2026-01-01T00:00:00Z')
				emit('limit', {})
				// @ts-expect-error what comes out does not go in
				emit('at', new Date())
			},
			{ events: transforming }
		)
	})

	test('takes anything without a contract', () => {
		produce(({ emit }) => {
			emit('message', 'hello')
			emit('order', { id: 1 })
		})
	})

	test('of a contract can be passed on by its type', () => {
		type Events = typeof plain extends Contract<infer S> ? S : never
		const feed = (emit: Emit<Events>) => emit('tick', 1)
		produce(({ emit }) => void feed(emit), { events: plain })
		expectTypeOf<ProducerConnection<Events>['emit']>().toEqualTypeOf<Emit<Events>>()
	})
})

describe('an async iterable start', () => {
	test('yields events of the contract', () => {
		produce(
			async function* () {
				yield { event: 'tick', data: 1 }
				yield { event: 'order', data: { id: '1', total: 1 }, id: '1' }
			},
			{ events: plain }
		)
		produce(
			// @ts-expect-error a tick is a number
			async function* () {
				yield { event: 'tick', data: 'one' }
			},
			{ events: plain }
		)
		produce(
			// @ts-expect-error without a name it is a message, and there is none in the contract
			async function* () {
				yield { data: 1 }
			},
			{ events: plain }
		)
	})

	test('yields anything without a contract', () => {
		produce(async function* () {
			yield { data: 'hello' }
			yield { event: 'order', data: { id: 1 } }
		})
	})
})

describe('a channel', () => {
	const connection = source('/orders', { events: mixed })

	test('carries what comes out of the schema', () => {
		expectTypeOf(connection.select('ofType')).toEqualTypeOf<SseChannel<Order, Order | undefined>>()
		expectTypeOf(connection.select('ofZod').current).toEqualTypeOf<{ id: number } | undefined>()
		const dates = source('/', { events: transforming }).select('at')
		expectTypeOf(dates.current).toEqualTypeOf<Date | undefined>()
		dates.on((date) => expectTypeOf(date).toEqualTypeOf<Date>())
		expectTypeOf(dates.next()).resolves.toEqualTypeOf<Date>()
	})

	test('hands its type on to what is derived from it', () => {
		const orders = connection.select('ofType')
		expectTypeOf(orders.transform(({ total }) => total).current).toEqualTypeOf<number | null>()
		expectTypeOf(orders.filter(({ total }) => total > 1).current).toEqualTypeOf<Order | undefined>()
		expectTypeOf(orders.list({ key: ({ id }) => id }).current).toEqualTypeOf<Order[]>()
		expectTypeOf(orders.scan((sum, { total }) => sum + total, 0).current).toEqualTypeOf<number>()
	})

	test('is text without a contract', () => {
		const channel = source('/').select('anything')
		expectTypeOf(channel).toEqualTypeOf<SseChannel<string, string>>()
		expectTypeOf(channel.json<Order>().current).toEqualTypeOf<Order | null>()
	})

	test('has text for an initial value without a contract', () => {
		const connection = source('/', { initial: { message: 'hello' } })
		expectTypeOf(connection.select('other')).toEqualTypeOf<SseChannel<string, string>>()
	})

	test('refuses names that the contract does not have', () => {
		// @ts-expect-error no event is called like this
		connection.select('ofTyp')
	})

	test('starts with a value of its own type', () => {
		source('/', { events: plain, initial: { tick: 1 } })
		// @ts-expect-error a tick is a number
		source('/', { events: plain, initial: { tick: '1' } })
		source('/', { events: transforming, initial: { at: new Date() } })
	})
})

describe('a hub', () => {
	const hub = new Hub({ events: transforming })

	test('publishes what goes into a schema', () => {
		expectTypeOf(hub.publish('shop', 'at', '2026-01-01T00:00:00Z')).resolves.toEqualTypeOf<
			Unsafe<string, SseError>
		>()
		// @ts-expect-error no event is called like this
		void hub.publish('shop', 'att', '2026-01-01T00:00:00Z')
		// @ts-expect-error what comes out does not go in
		void hub.publish('shop', 'at', new Date())
	})

	test('hands out what comes out of it, by name', async () => {
		for await (const event of hub.subscribe('shop')) {
			if (event.name === 'at') expectTypeOf(event.data).toEqualTypeOf<Date>()
			if (event.name === 'amount') expectTypeOf(event.data).toEqualTypeOf<number>()
			// @ts-expect-error no event is called like this
			if (event.name === 'att') return
		}
	})

	test('feeds a stream of its own with events of the contract', () => {
		hub.stream('shop', {
			request: new Request('http://localhost'),
			start({ emit }) {
				emit('amount', '7')
				// @ts-expect-error what comes out does not go in
				emit('amount', 7)
			}
		})
	})
})

describe('what tests use', () => {
	test('pushes what goes into a schema, and reads what comes out of it', async () => {
		const connection = mockSource(transforming, { initial: { amount: 1 } })
		expectTypeOf(connection.select('at').current).toEqualTypeOf<Date | undefined>()
		await connection.push('at', '2026-01-01T00:00:00Z')
		// @ts-expect-error no event is called like this
		await connection.push('att', '2026-01-01T00:00:00Z')
		// @ts-expect-error what comes out does not go in
		await connection.push('at', new Date())
	})

	test('collects what comes out of a schema, by name', async () => {
		const [event] = await collect(new Response(), { events: transforming })
		if (event?.event === 'at') expectTypeOf(event.data).toEqualTypeOf<Date>()
		for await (const { event, data } of read(new Response(), { events: transforming }))
			if (event === 'amount') expectTypeOf(data).toEqualTypeOf<number>()
		const [text] = await collect(new Response())
		expectTypeOf(text!.data).toEqualTypeOf<string>()
	})
})
