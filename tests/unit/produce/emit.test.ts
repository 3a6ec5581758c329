import { describe, expect } from 'vitest'
import { SseError } from '../../../src/lib/errors.js'
import { fc } from '../../support/check.js'
import { Produced, test } from './fixture.js'

const closed = { value: undefined, error: expect.objectContaining({ code: 'closed' }) }
const sent = { value: undefined, error: false }

describe('emit', () => {
	test('sends text as it is and anything else as JSON, in order', async ({ open }) => {
		const { connection, read } = bound(open())
		const { emit } = connection
		const results = [
			emit('message', 'hi'),
			emit('message', 'hi'),
			emit('a', { b: [1, null] }),
			emit('n', 0),
			emit('null', null),
			emit('empty', ''),
			emit('lines', 'a\r\nb\rc\n', { id: 'é7', retry: 0 })
		]
		connection.close()
		expect(results).toEqual(results.map(() => sent))
		expect(await read().ended).toEqual([
			{ hello: 30_000 },
			{ event: 'message', data: 'hi' },
			{ event: 'message', data: 'hi' },
			{ event: 'a', data: '{"b":[1,null]}' },
			{ event: 'n', data: '0' },
			{ event: 'null', data: 'null' },
			{ event: 'empty', data: '' },
			{ retry: 0 },
			{ id: 'é7' },
			{ event: 'lines', data: 'a\nb\nc\n', id: 'é7' },
			{ close: 'done' }
		])
	})

	// 0.15 counted its pings as events, and used up an id for each event.
	test('sends an id only where one was given', async ({ open }) => {
		const { connection, chunks } = bound(open({ ping: false }))
		const next = chunks()
		connection.emit('a', '1')
		connection.close()
		expect([await next(), await next()]).toEqual([
			':sveltekit-sse/1 hello ping=0\n\n',
			'event: a\ndata: 1\n\n:sveltekit-sse/1 close done\n\n'
		])
	})

	test.for<[string, [name: unknown, data: unknown, options?: unknown], string]>([
		['a name with LF', ['a\nid: 1', 'x'], 'invalid-argument'],
		['a name with CR', ['a\r', 'x'], 'invalid-argument'],
		['a name with NUL', ['a\0', 'x'], 'invalid-argument'],
		['an empty name', ['', 'x'], 'invalid-argument'],
		['no name', [undefined, 'x'], 'invalid-argument'],
		['a symbol for a name', [Symbol('a'), 'x'], 'invalid-argument'],
		['an id with LF', ['a', 'x', { id: '1\n2' }], 'invalid-argument'],
		['an id with CR', ['a', 'x', { id: '1\r2' }], 'invalid-argument'],
		['an id with NUL', ['a', 'x', { id: '\0' }], 'invalid-argument'],
		['a number for an id', ['a', 'x', { id: 7 }], 'invalid-argument'],
		['a retry below 0', ['a', 'x', { retry: -1 }], 'invalid-argument'],
		['undefined', ['a', undefined], 'serialize'],
		['a function', ['a', () => {}], 'serialize'],
		['a bigint', ['a', 1n], 'serialize'],
		['a circle', ['a', circle()], 'serialize']
	])('returns an error for %s, and the stream goes on', async ([, args, code], { open }) => {
		const { connection, read, errors } = bound(open())
		const emit = connection.emit as (...args: unknown[]) => unknown
		expect(emit(...args)).toEqual({ value: undefined, error: expect.any(SseError) })
		expect(emit(...args)).toMatchObject({ error: { code } })
		emit('after', 'fine')
		connection.close()
		expect(await read().ended).toEqual([
			{ hello: 30_000 },
			{ event: 'after', data: 'fine' },
			{ close: 'done' }
		])
		expect(errors).toEqual([])
	})

	test('returns what a hostile value throws', ({ open }) => {
		const { connection } = open()
		const bare = Object.create(null)
		const throwing = (thrown: unknown) => ({
			toJSON() {
				throw thrown
			}
		})
		const options = {
			get id(): string {
				throw bare
			}
		}
		const results = [
			connection.emit('a', throwing(new Error('no'))),
			connection.emit('a', throwing(bare)),
			connection.emit('a', throwing(undefined)),
			connection.emit('a', 'x', options)
		]
		expect(results).toEqual(results.map(() => ({ value: undefined, error: expect.any(Error) })))
	})

	test('never throws and never forges, whatever it is given', async () => {
		const line = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 5 })
		const lineEnds = fc.constantFrom('\r', '\n', '\r\n', '\0', 'id: 1', '\ud800', ':')
		const text = fc.array(fc.oneof(line, lineEnds), { maxLength: 4 }).map((parts) => parts.join(''))
		await fc.assert(
			fc.asyncProperty(
				fc.array(fc.record({ name: text, data: fc.anything(), text, id: fc.option(text) })),
				async (given) => {
					const { connection, read } = bound(new Produced())
					const taken = given.filter(({ name, id, data, text }, index) => {
						const options = id === null ? {} : { id }
						const { error } = connection.emit(name, index % 2 ? data : text, options)
						expect(error === false || error instanceof Error).toBe(true)
						return !error
					})
					connection.close()
					const log = await read().ended
					const events = log.flatMap((one) => ('event' in one ? [[one.event, one.id]] : []))
					expect(events).toEqual(
						taken.map(({ name, id }) => [name.toWellFormed(), id?.toWellFormed()])
					)
					expect(log.filter((one) => 'retry' in one || 'gap' in one || 'cut' in one)).toEqual([])
					expect(log.filter((one) => 'id' in one && !('event' in one)).length).toBe(
						taken.filter(({ id }) => id !== null).length
					)
				}
			),
			{ numRuns: 200 }
		)
	})

	test('works apart from its connection, and is the same each time', ({ open }) => {
		const { connection } = open()
		const { emit, close, lock, signal, drained } = connection
		expect([
			emit === connection.emit,
			lock === connection.lock,
			signal === connection.signal
		]).toEqual([true, true, true])
		void drained()
		close()
		expect(emit('a', 'x')).toEqual(closed)
	})

	test('does not write data as text once the stream has ended', ({ open }) => {
		const { connection } = open()
		connection.close()
		let written = 0
		const data = { toJSON: () => ++written }
		expect([connection.emit('a', data), written]).toEqual([closed, 0])
	})

	test('refuses when writing the data as text ended the stream', async ({ open }) => {
		const { connection, read } = bound(open())
		const data = {
			toJSON() {
				connection.close()
				return 'late'
			}
		}
		expect(connection.emit('a', data)).toEqual(closed)
		expect(await read().ended).toEqual([{ hello: 30_000 }, { close: 'done' }])
	})
})

describe('from the tick on in which the stream ended, emit returns an error', () => {
	test.for<[string, (produced: Produced, controller: AbortController) => unknown]>([
		['lock.set(false)', ({ connection }) => connection.lock.set(false)],
		['lock.update', ({ connection }) => connection.lock.update((locked) => !locked)],
		['close()', ({ connection }) => connection.close()],
		['close(reason)', ({ connection }) => connection.close('denied')],
		['the client leaving', ({ response }) => response.body!.cancel()],
		['the request’s signal', (_, controller) => controller.abort()]
	])('%s', ([, end], { open }) => {
		const controller = new AbortController()
		const request = new Request('http://test', { signal: controller.signal })
		const produced = open({ request })
		const { connection } = produced
		connection.emit('a', 'before')
		void end(produced, controller)
		expect([connection.emit('a', 'x'), connection.signal.aborted]).toEqual([closed, true])
	})

	test('a full buffer', ({ open }) => {
		const { connection, stops } = open({ maxBuffer: 100 })
		const results = [1, 2, 3].map(() => connection.emit('a', 'x'.repeat(40)))
		expect(results).toMatchObject([
			{ error: false },
			{ error: { code: 'overflow' } },
			{ error: { code: 'closed', reason: 'slow' } }
		])
		expect(stops).toEqual([['stop', 'slow']])
	})
})

/** Methods that may be taken apart. */
function bound(produced: Produced) {
	const { connection, errors } = produced
	return {
		connection,
		errors,
		read: () => produced.read(),
		chunks: () => produced.chunks()
	}
}

function circle(): object {
	const circle: Record<string, unknown> = {}
	circle.circle = circle
	return circle
}
