import { getEventListeners } from 'node:events'
import * as v from 'valibot'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { Hub, memory } from '../../../src/lib/hub/index.js'
import { defineEvents, typed, type Schema } from '../../../src/lib/index.js'
import { collect, flushPromises, streamRequest } from '../../../src/lib/testing/index.js'

const events = defineEvents(
	{
		created: v.object({ id: v.string() }),
		at: v.pipe(
			v.string(),
			v.transform((text) => new Date(text))
		)
	},
	{ version: 3 }
)

const later: Schema<number> = {
	'~standard': {
		version: 1,
		vendor: 'test',
		validate: async (value) => ({ value: value as number })
	}
}

/** Runs a test with a hub of its own. */
async function withHub<S>(hub: Hub<S>, run: (hub: Hub<S>) => Promise<void>): Promise<void> {
	try {
		await run(hub)
	} finally {
		await hub.close()
	}
}

describe('a hub with a contract', () => {
	test('publishes what fits, and returns what does not', () =>
		withHub(new Hub({ events }), async (hub) => {
			const response = hub.stream('orders', { request: streamRequest() })
			const collected = collect(response, { events, take: 2, timeout: 20_000 })
			await flushPromises()
			const { error } = await hub.publish('orders', 'created', { id: 1 } as never)
			expect(error).toMatchObject({
				code: 'validation',
				message: expect.stringContaining("The data of 'created' does not fit its schema at id")
			})
			await hub.publish('orders', 'created', { id: '1' })
			await hub.publish('orders', 'at', '2026-01-01T00:00:00Z')
			expect(await collected).toMatchObject([
				{ event: 'created', data: { id: '1' } },
				{ event: 'at', data: new Date('2026-01-01') }
			])
		}))

	test('announces its version', () =>
		withHub(new Hub({ events }), async (hub) => {
			const response = hub.stream('orders', { request: streamRequest() })
			const first = await firstChunk(response)
			expect(first).toMatch(/^:sveltekit-sse\/1 hello ping=\d+ events=3,3\n/)
		}))

	test('hands values to loops in server code', () =>
		withHub(new Hub({ events }), async (hub) => {
			const seen: unknown[] = []
			const leaving = new AbortController()
			const loop = (async () => {
				for await (const event of hub.subscribe('orders', { signal: leaving.signal })) {
					if (event.name === 'at') expectTypeOf(event.data).toEqualTypeOf<Date>()
					seen.push(event.data)
				}
			})()
			await flushPromises()
			await hub.publish('orders', 'at', '2026-01-01T00:00:00Z')
			await flushPromises()
			leaving.abort()
			await loop
			expect(seen).toEqual([new Date('2026-01-01')])
		}))

	test('ends a loop that meets what does not fit, and lets go of it', async () => {
		const broker = memory()
		const foreign = new Hub({ broker })
		await withHub(new Hub({ events, broker }), async (hub) => {
			const { signal } = new AbortController()
			const loop = (async () => {
				for await (const _ of hub.subscribe('orders', { signal }));
			})()
			const failed = expect(loop).rejects.toMatchObject({ code: 'validation' })
			await flushPromises()
			await foreign.publish('orders', 'created', { id: 1 })
			await failed
			expect(getEventListeners(signal, 'abort')).toEqual([])
		})
	})

	test('hands values of asynchronous schemas to loops', () =>
		withHub(new Hub({ events: defineEvents({ tick: later }) }), async (hub) => {
			const loop = (async () => {
				for await (const { data } of hub.subscribe('topic')) return [data]
			})()
			await flushPromises()
			await hub.publish('topic', 'tick', 7)
			expect(await loop).toEqual([7])
		}))

	test('keeps the order in which asynchronous schemas were asked', async () => {
		const delays = [30, 0, 10]
		const slow: Schema<number> = {
			'~standard': {
				version: 1,
				vendor: 'test',
				validate: async (value) => {
					for (let turn = 0; turn < delays[value as number]!; turn++) await Promise.resolve()
					return { value: value as number }
				}
			}
		}
		const mixed = defineEvents({ slow, fast: typed<string>() })
		await withHub(new Hub({ events: mixed }), async (hub) => {
			const response = hub.stream('topic', { request: streamRequest() })
			const collected = collect(response, { events: mixed, take: 4, timeout: 20_000 })
			await flushPromises()
			await Promise.all([
				hub.publish('topic', 'slow', 0),
				hub.publish('topic', 'fast', 'a'),
				hub.publish('topic', 'slow', 1),
				hub.publish('topic', 'slow', 2)
			])
			expect((await collected).map(({ data }) => data)).toEqual([0, 'a', 1, 2])
		})
	})

	test('checks names and data at compile time', () => {
		const hub = null as unknown as Hub<{ tick: number }>
		void (() => {
			void hub.publish('topic', 'tick', 1)
			// @ts-expect-error a tick is a number
			void hub.publish('topic', 'tick', '1')
			// @ts-expect-error no event is called like this
			void hub.publish('topic', 'tock', 1)
		})
	})
})

/** The first chunk of a response, as text; then it is left. */
async function firstChunk(response: Response): Promise<string> {
	const reader = response.body!.getReader()
	const { value } = await reader.read()
	await reader.cancel()
	return new TextDecoder().decode(value)
}
