import { describe, expect } from 'vitest'
import { produce } from '../../../src/lib/produce/produce.js'
import type { Overflow } from '../../../src/lib/produce/types.js'
import { fc } from '../../support/check.js'
import { flushPromises } from '../../../src/lib/testing/flush-promises.js'
import { collectGarbage } from '../../support/garbage.js'
import { responseOf, StreamLog } from '../../support/stream-log.js'
import { Produced, test } from './fixture.js'

const encoder = new TextEncoder()

/** What an event of this data has on the wire. */
function bytesOf(name: string, data: string): number {
	return encoder.encode(`event: ${name}\ndata: ${data}\n\n`).length
}

describe('chunks', () => {
	// 0.15 wrote each field as a chunk of its own: three writes an event, and half events when it was cut.
	test('all events of one tick are one', async ({ open }) => {
		const { connection, next } = reading(open({ ping: false }))
		for (let i = 0; i < 3; i++) connection.emit('n', i)
		await Promise.resolve()
		connection.emit('n', 'later')
		connection.close()
		expect([await next(), await next(), await next(), await next()]).toEqual([
			':sveltekit-sse/1 hello ping=0\n\n',
			'event: n\ndata: 0\n\nevent: n\ndata: 1\n\nevent: n\ndata: 2\n\n',
			'event: n\ndata: later\n\n:sveltekit-sse/1 close done\n\n',
			undefined
		])
	})

	test('each ends where an event ends, however large the events are', async ({ open }) => {
		const { connection, next } = reading(open({ ping: false }))
		const sizes = [1, 5_000, 10, 20_000, 100_000, 3, 4_095, 4_096, 1]
		for (const size of sizes) connection.emit('n', 'é'.repeat(size))
		connection.close()
		for (let chunk = await next(); chunk !== undefined; chunk = await next()) {
			expect(chunk.endsWith('\n\n')).toBe(true)
		}
	})

	test('a client that is behind gets later ticks together', async ({ open }) => {
		const { connection, next } = reading(open({ ping: false }))
		connection.emit('first', 'x'.repeat(70_000))
		for (let i = 0; i < 1_000; i++) {
			connection.emit('n', i)
			await Promise.resolve()
		}
		connection.close()
		const chunks: string[] = []
		for (let chunk = await next(); chunk !== undefined; chunk = await next()) chunks.push(chunk)
		expect(chunks.length).toBeLessThan(8)
		expect(chunks.join('').match(/event: n\n/g)?.length).toBe(1_000)
	})
})

describe('maxBuffer', () => {
	test('counts bytes: as many events are taken as fit, in text of any script', ({ open }) => {
		for (const letter of ['a', 'é', '€', '𝄞']) {
			for (const size of [1, 40, 900, 5_000]) {
				const data = letter.repeat(size)
				const maxBuffer = 50_000
				const { connection, hello } = filled({ overflow: 'refuse', maxBuffer })
				let taken = 0
				while (!connection.emit('a', data).error) taken++
				expect([letter, size, taken]).toEqual([
					letter,
					size,
					Math.floor((maxBuffer - hello) / bytesOf('a', data))
				])
				expect(connection.buffered).toBe(hello + taken * bytesOf('a', data))
				connection.close()
			}
		}
		function filled(options: { overflow: Overflow; maxBuffer: number }) {
			const { connection } = open(options)
			return { connection, hello: connection.buffered }
		}
	})

	test('is never passed, whatever is emitted, read and waited for', async () => {
		const step = fc.oneof(
			fc.record({ size: fc.nat({ max: 6_000 }), letter: fc.constantFrom('a', '€', '𝄞') }),
			fc.constantFrom('read' as const, 'tick' as const, 'turn' as const)
		)
		await fc.assert(
			fc.asyncProperty(
				fc.constantFrom<Overflow>('close', 'drop-oldest', 'refuse'),
				fc.integer({ min: 50, max: 20_000 }),
				fc.array(step, { maxLength: 60 }),
				async (overflow, maxBuffer, steps) => {
					const produced = new Produced({ overflow, maxBuffer, ping: false })
					const { connection } = produced
					const next = produced.chunks()
					const text: (string | undefined)[] = []
					const sent: string[] = []
					for (const step of steps) {
						if (step === 'read') {
							if (connection.buffered > 0) text.push(await next())
						} else if (step === 'tick') await Promise.resolve()
						else if (step === 'turn') await flushPromises()
						else {
							const data = `${sent.length} ${step.letter.repeat(step.size)}`
							if (!connection.emit('a', data).error) sent.push(data)
						}
						const last = connection.signal.aborted ? 100 : 0
						expect(connection.buffered).toBeLessThanOrEqual(maxBuffer + last)
					}
					connection.close()
					for (let chunk = await next(); chunk !== undefined; chunk = await next()) text.push(chunk)
					const log = new StreamLog(responseOf(text.join('')))
					await log.ended
					if (overflow === 'drop-oldest') {
						// In order, and where some are missing there is a gap.
						const numbers = log.all.map((one) => ('event' in one ? sent.indexOf(one.data) : one))
						let last = -1
						let gap = false
						for (const one of numbers) {
							if (typeof one === 'number') {
								expect(one > last && (one === last + 1 || gap)).toBe(true)
								last = one
								gap = false
							} else gap ||= 'gap' in one
						}
						expect(last).toBe(sent.length - 1)
					} else expect(log.data).toEqual(sent)
				}
			),
			{ numRuns: 200 }
		)
	})

	test('an event that is larger can never be sent, whatever the policy', ({ open }) => {
		for (const overflow of ['close', 'drop-oldest', 'refuse'] as const) {
			const { connection } = open({ overflow, maxBuffer: 1_000 })
			const { error } = connection.emit('a', 'x'.repeat(1_000))
			expect(error).toMatchObject({
				code: 'overflow',
				message: expect.stringContaining('maxBuffer')
			})
			expect(connection.emit('a', 'small').error).toBe(false)
		}
	})

	test('has room for the first and the last frame, however small it is', async ({ open }) => {
		const produced = open({ maxBuffer: 1 })
		expect(produced.connection.emit('a', 'x').error).toMatchObject({ code: 'overflow' })
		produced.connection.close()
		expect(await produced.read().ended).toEqual([{ hello: 30_000 }, { close: 'done' }])
	})

	// 0.15 took 200,000 events that nobody read.
	test('holds back a producer that does not look: the stream ends with `slow`', async ({
		open
	}) => {
		const produced = open({ maxBuffer: 100_000 })
		const { connection, stops } = produced
		let taken = 0
		while (taken < 200_000 && !connection.emit('n', taken).error) taken++
		expect([stops, connection.emit('n', '').error]).toEqual([
			[['stop', 'slow']],
			expect.objectContaining({ code: 'closed', reason: 'slow' })
		])
		const log = produced.read()
		expect((await log.ended).at(-1)).toEqual({ close: 'slow' })
		expect(log.data).toEqual(Array.from({ length: taken }, (_, index) => String(index)))
	})

	test('`refuse` returns the error, loses nothing it took, and takes events again', async ({
		open
	}) => {
		const produced = open({ maxBuffer: 10_000, overflow: 'refuse' })
		const { connection } = produced
		let taken = 0
		while (!connection.emit('n', `${taken}`.padEnd(100)).error) taken++
		expect(connection.emit('n', 'x'.repeat(100)).error).toMatchObject({
			code: 'overflow',
			message: expect.stringContaining('drained()')
		})
		const log = produced.read()
		await log.count(taken)
		expect(connection.emit('n', 'again').error).toBe(false)
		connection.close()
		await log.ended
		expect(log.data.length).toBe(taken + 1)
		expect([log.data.at(-1), produced.stops]).toEqual(['again', [['stop', 'done']]])
	})

	test('`drop-oldest` keeps the newest and says where some are missing', async ({ open }) => {
		const produced = open({ maxBuffer: 20_000, overflow: 'drop-oldest', ping: false })
		const { connection } = produced
		for (let i = 0; i < 1_000; i++) {
			expect(connection.emit('n', `${i}`.padEnd(100)).error).toBe(false)
			await Promise.resolve()
		}
		connection.close()
		const log = await produced.read().ended
		const numbers = log.map((one) => ('event' in one ? parseInt(one.data) : one))
		const gap = numbers.findIndex((one) => typeof one === 'object' && 'gap' in one)
		const before = numbers.slice(1, gap) as number[]
		const after = numbers.slice(gap + 1, -1) as number[]
		expect(before).toEqual(before.map((_, index) => index))
		expect(after).toEqual(after.map((_, index) => 1_000 - after.length + index))
		expect(before.length).toBeGreaterThan(10)
		// Most of what the buffer holds is the newest.
		expect(after.length).toBeGreaterThan(80)
		expect(numbers.at(-1)).toEqual({ close: 'done' })
	})

	test('`drop-oldest` drops nothing for an event that finds no room all the same', async ({
		open
	}) => {
		const produced = open({ maxBuffer: 1_000, overflow: 'drop-oldest', ping: false })
		const { connection } = produced
		const data = ['a', 'b', 'c'].map((letter) => letter.repeat(200))
		for (const one of data) {
			connection.emit('n', one)
			await flushPromises()
		}
		expect(connection.emit('n', 'x'.repeat(850)).error).toMatchObject({ code: 'overflow' })
		connection.close()
		const log = produced.read()
		expect(await log.ended).not.toContainEqual({ gap: true })
		expect(log.data).toEqual(data)
	})

	test('small events of many ticks cost little more than their bytes', async ({ open }) => {
		const { connection } = open({ maxBuffer: 8 * 1024 * 1024, overflow: 'refuse' })
		gc!()
		const before = memory()
		for (let i = 0; !connection.emit('tick', i).error; i++) await Promise.resolve()
		const cost = () => memory() - before
		await collectGarbage(() => cost() < 16 * 1024 * 1024)
		expect(cost()).toBeLessThan(16 * 1024 * 1024)
		expect(connection.buffered).toBeGreaterThan(8 * 1024 * 1024 - 100)
	})
})

describe('drained()', () => {
	test('resolves at once while there is room', async ({ open }) => {
		const { connection } = open()
		await connection.drained()
		connection.emit('a', 'x')
		await connection.drained()
	})

	test('resolves when the client has read, for everybody who waits', async ({ open }) => {
		const produced = open()
		const { connection } = produced
		connection.emit('a', 'x'.repeat(200_000))
		let drained = 0
		for (let i = 0; i < 3; i++) void connection.drained().then(() => drained++)
		await flushPromises()
		expect(drained).toBe(0)
		const log = produced.read()
		await log.count(1)
		await flushPromises()
		expect([drained, connection.buffered]).toEqual([3, 0])
		log.leave()
	})

	// Such a stream asks for nothing more until somebody waits.
	test('resolves also in a stream that had nothing to do before', async ({ open }) => {
		const produced = open()
		const next = produced.chunks()
		await next()
		await flushPromises()
		produced.connection.emit('a', 'x'.repeat(60_000))
		produced.connection.emit('a', 'y'.repeat(60_000))
		const drained = produced.connection.drained()
		while (produced.connection.buffered > 0) await next()
		await drained
	})

	test.for<[string, (produced: Produced) => unknown]>([
		['the client leaves', ({ response }) => response.body!.cancel()],
		['the stream is closed', ({ connection }) => connection.close()],
		['the lock is let go', ({ connection }) => connection.lock.set(false)]
	])('resolves when %s, and ever after', async ([, end], { open }) => {
		const produced = open()
		produced.connection.emit('a', 'x'.repeat(200_000))
		const waiting = produced.connection.drained()
		await end(produced)
		await waiting
		await produced.connection.drained()
		await produced.response.body!.cancel()
		await produced.connection.drained()
		expect(produced.connection.buffered).toBe(0)
	})

	test('paces a producer that waits: little is buffered, nothing is lost', async () => {
		let most = 0
		const response = produce(async (connection) => {
			for (let i = 0; i < 5_000; i++) {
				connection.emit('n', `${i}`.padEnd(200))
				most = Math.max(most, connection.buffered)
				await connection.drained()
			}
			connection.close()
		})
		const log = new StreamLog(response)
		await log.ended
		expect(log.data.map((data) => parseInt(data))).toEqual(log.data.map((_, index) => index))
		expect(log.data.length).toBe(5_000)
		expect(most).toBeLessThan(64 * 1024 + 1_000)
	})
})

describe('buffered', () => {
	test('is what waits, and nothing once it was taken or the client has left', async ({ open }) => {
		const produced = open({ ping: false })
		const { connection } = produced
		const seen = [connection.buffered]
		connection.emit('a', 'x'.repeat(100_000))
		connection.emit('a', 'y')
		seen.push(connection.buffered)
		const next = produced.chunks()
		await next()
		await next()
		await next()
		seen.push(connection.buffered)
		connection.emit('a', 'z')
		await produced.connection.drained()
		seen.push(connection.buffered)
		connection.close()
		seen.push(connection.buffered)
		await next()
		await next()
		await next()
		seen.push(connection.buffered)
		const hello = ':sveltekit-sse/1 hello ping=0\n\n'.length
		const z = bytesOf('a', 'z')
		expect(seen).toEqual([
			hello,
			hello + bytesOf('a', 'x'.repeat(100_000)) + bytesOf('a', 'y'),
			0,
			z,
			z + ':sveltekit-sse/1 close done\n\n'.length,
			0
		])
	})

	test('is nothing after the client has left in the middle', async ({ open }) => {
		const { connection, response } = open()
		connection.emit('a', 'x'.repeat(500_000))
		await response.body!.cancel()
		expect(connection.buffered).toBe(0)
	})

	// What was left of a stream that had said goodbye stayed in memory after the client had gone.
	test('is nothing when the client leaves after the end', async ({ open }) => {
		const { connection, response } = open()
		for (let i = 0; i < 10; i++) connection.emit('a', 'x'.repeat(50_000))
		connection.close()
		expect(connection.buffered).toBeGreaterThan(500_000)
		await response.body!.cancel()
		expect(connection.buffered).toBe(0)
	})
})

function reading(produced: Produced) {
	return { connection: produced.connection, next: produced.chunks() }
}

/** Bytes of the heap and of what hangs on it. */
function memory(): number {
	const { heapUsed, arrayBuffers } = process.memoryUsage()
	return heapUsed + arrayBuffers
}
