import * as v from 'valibot'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { defineEvents, produce, typed } from '../../../src/lib/index.js'
import { read } from '../../../src/lib/read/index.js'
import { memoryFetch } from '../../../src/lib/testing/index.js'
import { foreign, leaveNothing } from './fixture.js'

leaveNothing()

const url = 'http://app.test/events'
const events = defineEvents({ tick: v.number(), note: v.object({ text: v.string() }) })

async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
	const all: T[] = []
	for await (const event of stream) all.push(event)
	return all
}

describe('with a contract', () => {
	test('data is typed by the event’s name', async () => {
		const fetch = memoryFetch(() =>
			produce(
				({ emit, close }) => {
					emit('tick', 1)
					emit('note', { text: 'hi' })
					close()
				},
				{ events }
			)
		)
		const all = await collect(read(url, { fetch, events }))
		expect(all).toEqual([
			{ name: 'tick', data: 1, id: undefined },
			{ name: 'note', data: { text: 'hi' }, id: undefined }
		])
		for (const event of all) {
			if (event.name === 'tick') expectTypeOf(event.data).toEqualTypeOf<number>()
			else expectTypeOf(event.data).toEqualTypeOf<{ text: string }>()
		}
	})

	test('events of other names are left out', async () => {
		const fetch = memoryFetch(() => foreign('data: x\n\nevent: tick\ndata: 1\n\n'))
		expect(await collect(read(url, { fetch, events }))).toMatchObject([{ name: 'tick', data: 1 }])
	})

	test('asynchronous schemas keep the order, also of calls at the same time', async () => {
		const delays = [30, 5, 0]
		const slow = defineEvents({
			tick: v.pipeAsync(
				v.number(),
				v.transformAsync(async (number) => {
					await new Promise((resolve) => setTimeout(resolve, delays[number]))
					return number
				})
			)
		})
		const text = [0, 1, 2].map((number) => `event: tick\ndata: ${number}\n\n`).join('')
		const fetch = memoryFetch(() => foreign(text))
		const finished: unknown[] = []
		const stream = read(url, { fetch, events: slow })
		await Promise.all(
			Array.from({ length: 4 }, () => stream.next().then(({ value }) => finished.push(value?.data)))
		)
		expect(finished).toEqual([0, 1, 2, undefined])
	})

	test('an event that does not fit ends the loop with a `validation` error', async () => {
		const fetch = memoryFetch(() => foreign('event: tick\ndata: "one"\n\n', { ends: false }))
		await expect(collect(read(url, { fetch, events }))).rejects.toMatchObject({
			code: 'validation'
		})
		expect(fetch.open).toBe(0)
	})

	test('an event that is no JSON ends the loop with a `parse` error', async () => {
		const fetch = memoryFetch(() => foreign('event: tick\ndata: {\n\n', { ends: false }))
		await expect(collect(read(url, { fetch, events }))).rejects.toMatchObject({ code: 'parse' })
	})

	test('an event that does not fit is left out if `error` hears of it', async () => {
		const fetch = memoryFetch(() => foreign('event: tick\ndata: "one"\n\nevent: tick\ndata: 2\n\n'))
		const errors: string[] = []
		const all = await collect(
			read(url, { fetch, events, error: ({ code }) => void errors.push(code) })
		)
		expect([all, errors]).toEqual([[{ name: 'tick', data: 2, id: undefined }], ['validation']])
	})

	test('`until` as a text sees the data as it came, as a function the value', async () => {
		const text = 'event: tick\ndata: 1\n\nevent: tick\ndata: 2\n\ndata: [DONE]\n\n'
		const fetch = memoryFetch(() => foreign(text, { ends: false }))
		expect((await collect(read(url, { fetch, events, until: '[DONE]' }))).length).toBe(2)
		const until = (event: { data: unknown }) => event.data === 2
		expect((await collect(read(url, { fetch, events, until }))).length).toBe(1)
	})

	test('a loop that is left while a schema works is over', async () => {
		let finish = (): void => {}
		const hanging = defineEvents({
			tick: v.pipeAsync(
				v.number(),
				v.checkAsync(() => new Promise<boolean>((resolve) => (finish = () => resolve(true))))
			)
		})
		const fetch = memoryFetch(() => foreign('event: tick\ndata: 1\n\n', { ends: false }))
		const stream = read(url, { fetch, events: hanging })
		const waiting = stream.next()
		await new Promise((resolve) => setTimeout(resolve, 10))
		const left = stream.return()
		expect(fetch.open).toBe(0)
		finish()
		expect([(await waiting).done, (await left).done]).toEqual([true, true])
	})

	test('a server that needs newer clients closes the connection', async () => {
		const old = defineEvents({ tick: typed<number>() }, { version: 1 })
		const hello = ': sveltekit-sse/1 hello ping=0 events=3,2\n\n'
		const fetch = memoryFetch(() => foreign(hello, { ends: false }))
		await expect(collect(read(url, { fetch, events: old }))).rejects.toMatchObject({
			code: 'version'
		})
	})
})
