import { describe, expect } from 'vitest'
import { produce } from '../../../src/lib/produce/produce.js'
import type { Overflow, ProducerConnection } from '../../../src/lib/produce/types.js'
import { flushPromises } from '../../../src/lib/testing/flush-promises.js'
import { collectGarbage } from '../../support/garbage.js'
import { StreamLog } from '../../support/stream-log.js'
import { gate, test } from './fixture.js'

const megabyte = 1024 * 1024

// A hook such as `handle` may clone the response, to log it for one. The platform's own split goes on until both halves were
// cancelled, so nobody was told that the client had left.
describe('a producer learns at once that its client left, although its response was', () => {
	const hooks: Record<string, (response: Response) => Response> = {
		cloned(response) {
			response.clone()
			return response
		},
		'replaced by its clone': (response) => response.clone(),
		'cloned twice': (response) => {
			response.clone().clone()
			return response
		},
		'wrapped, and then cloned'(response) {
			const wrapped = new Response(response.body, { headers: response.headers })
			wrapped.clone()
			return wrapped
		},
		'cloned, and the clone read for a moment'(response) {
			const reader = response.clone().body!.getReader()
			void reader.read().then(() => reader.cancel())
			return response
		}
	}
	for (const [name, hook] of Object.entries(hooks))
		test(name, async ({ serve, clock: _ }) => {
			const stopped = gate<string>()
			let connection!: ProducerConnection
			const server = await serve(() =>
				hook(
					produce((given) => void (connection = given), {
						ping: false,
						stop: (_, reason) => stopped.resolve(reason)
					})
				)
			)
			const log = new StreamLog(await fetch(server.url))
			for (let i = 1; i <= 10; i++) {
				connection.emit('n', i)
				await log.count(i)
			}
			log.leave()
			expect(await stopped.promise).toBe('gone')
			expect(connection.emit('n', 'late').error).toMatchObject({ code: 'closed' })
		})
})

test('a copy that is read holds the stream as a client does, and both get everything', async ({
	open
}) => {
	const { response, connection, stops } = open()
	const logs = [new StreamLog(response.clone()), new StreamLog(response)]
	for (let i = 0; i < 1_000; i++) {
		connection.emit('n', i)
		if (i % 10 === 0) await flushPromises()
	}
	await Promise.all(logs.map((log) => log.count(1_000)))
	logs[1]!.leave()
	await logs[1]!.ended
	connection.emit('n', 1_000)
	await logs[0]!.count(1_001)
	expect(stops).toEqual([])
	connection.close()
	expect((await logs[0]!.ended).at(-1)).toEqual({ close: 'done' })
	expect(logs.map(({ data }) => data.length)).toEqual([1_001, 1_000])
	expect(stops).toEqual([['stop', 'done']])
})

test('a copy that is read later has it from the beginning', async ({ open }) => {
	const { response, connection } = open()
	const copy = response.clone()
	const log = new StreamLog(response)
	connection.emit('n', 1)
	await log.count(1)
	connection.close()
	await log.ended
	const later = new StreamLog(copy)
	expect(await later.ended).toEqual(log.all)
})

test('a copy that is thrown away leaves the stream to its client', async ({ open }) => {
	const { response, connection, stops } = open()
	await response.clone().body!.cancel()
	const log = new StreamLog(response)
	connection.emit('n', 1)
	await log.count(1)
	expect(stops).toEqual([])
})

test('a copy that nobody reads costs no more than the buffer, and breaks off', async ({ open }) => {
	const { response, connection } = open({ maxBuffer: megabyte })
	const copy = response.clone()
	const log = new StreamLog(response)
	gc!()
	const before = memory()
	const data = 'x'.repeat(megabyte / 4)
	for (let i = 1; i <= 100; i++) {
		expect(connection.emit('a', data).error).toBe(false)
		await log.until(({ all }) => all.length > i)
		// What the log has seen is not what this is about.
		log.all.fill({ gap: true })
	}
	await collectGarbage(() => memory() - before < 8 * megabyte)
	expect(memory() - before).toBeLessThan(8 * megabyte)
	await expect(copy.text()).rejects.toMatchObject({
		code: 'overflow',
		message: expect.stringContaining('Do not clone')
	})
	connection.close()
	expect((await log.ended).at(-1)).toEqual({ close: 'done' })
})

// The copy went on alone, and the client's body failed when more than the buffer waited for it: no policy was asked, and
// the stream went on for nobody.
describe('a client that falls behind its copy gets what it would get without one', () => {
	const maxBuffer = 4096
	const policies = {
		close: [{ close: 'slow' }, 'slow'],
		'drop-oldest': [{ close: 'done' }, 'done'],
		refuse: [{ close: 'done' }, 'done']
	} as const
	for (const [overflow, [last, reason]] of Object.entries(policies))
		test(overflow, async ({ open }) => {
			const { response, connection, stops } = open({ maxBuffer, overflow: overflow as Overflow })
			const copy = new StreamLog(response.clone())
			const client = response.body!.getReader()
			await client.read()
			let refused = 0
			for (let i = 0; i < 100; i++) {
				if (connection.emit('n', 'x'.repeat(100)).error) refused++
				await flushPromises()
			}
			connection.close()
			client.releaseLock()
			const log = new StreamLog(response)
			const all = await log.ended
			expect([all.at(-1), stops]).toEqual([last, [['stop', reason]]])
			expect(all.some((entry) => 'gap' in entry)).toBe(overflow === 'drop-oldest')
			expect(refused > 0).toBe(overflow !== 'drop-oldest')
			expect((await copy.ended).slice(-all.length)).toEqual(all)
		})
})

// A hook that looks at the first bytes and goes away must cost the client nothing.
test('a copy that is read no more holds its client only when more than the buffer waits for it', async ({
	open
}) => {
	const { response, connection } = open({ maxBuffer: 4096, overflow: 'refuse' })
	const copy = response.clone().body!.getReader()
	await copy.read()
	const log = new StreamLog(response)
	const emit = async (): Promise<boolean> => {
		const { error } = connection.emit('n', 'x'.repeat(1_000))
		await flushPromises()
		return !error
	}
	for (let i = 1; i <= 4; i++) expect(await emit()).toBe(true)
	await log.count(4)
	while (await emit());
	const held = log.events.length
	expect(held).toBeLessThan(6)
	await copy.cancel()
	await log.until(({ events }) => events.length > held)
	connection.close()
	expect((await log.ended).at(-1)).toEqual({ close: 'done' })
})

test('a copy whose reader has let go of it keeps no stream, and holds no client', async ({
	open
}) => {
	const { response, connection, stops } = open({ maxBuffer: 4096 })
	const copy = response.clone().body!
	const reader = copy.getReader()
	await reader.read()
	reader.releaseLock()
	const client = response.body!.getReader()
	await client.read()
	for (let i = 0; i < 20; i++) {
		expect(connection.emit('n', 'x'.repeat(1_000)).error).toBe(false)
		await client.read()
	}
	await expect(copy.getReader().read()).rejects.toMatchObject({ code: 'overflow' })
	await client.cancel()
	expect(stops).toEqual([['stop', 'gone']])
})

test('a client that leaves ends a stream whose copy was only looked at', async ({ open }) => {
	const { response, stops } = open()
	const reader = response.clone().body!.getReader()
	await reader.read()
	reader.releaseLock()
	const client = response.body!.getReader()
	await client.read()
	await client.cancel()
	expect(stops).toEqual([['stop', 'gone']])
})

test('a body that breaks off breaks off in every copy', async ({ open, clock }) => {
	const { response, connection } = open({ ping: false })
	const copy = response.clone().body!.getReader()
	const client = response.body!.getReader()
	await Promise.all([copy.read(), client.read()])
	for (let i = 0; i < 4; i++) connection.emit('a', 'x'.repeat(megabyte))
	connection.close()
	await clock.advance(31_000)
	const rest = async (reader: ReadableStreamDefaultReader): Promise<unknown> => {
		for (;;) if ((await reader.read()).done) return 'ended'
	}
	for (const reader of [copy, client])
		await expect(rest(reader)).rejects.toMatchObject({ code: 'closed' })
})

function memory(): number {
	const { heapUsed, arrayBuffers, external } = process.memoryUsage()
	return heapUsed + Math.max(arrayBuffers, external)
}
