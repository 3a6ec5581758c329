import { describe, expect } from 'vitest'
import { SseError } from '../../../src/lib/errors.js'
import { decodeId } from '../../../src/lib/wire/headers.js'
import { produce } from '../../../src/lib/produce/produce.js'
import { source } from '../../../src/lib/source/source.js'
import { flushPromises } from '../../../src/lib/testing/flush-promises.js'
import { startHttpServer } from '../../support/http-server.js'
import { test } from './fixture.js'

describe('a request', () => {
	test('carries what the options say, and asks for an event stream past all caches', async ({
		open,
		requests
	}) => {
		open({
			method: 'PUT',
			headers: { 'x-mine': '1' },
			body: 'hello',
			init: { mode: 'cors', cache: undefined }
		})
		await flushPromises()
		const { url, headers, init } = requests.last
		expect({ url, ...init, headers: [...headers], signal: undefined }).toEqual({
			url: 'http://app.test/events',
			method: 'PUT',
			body: 'hello',
			mode: 'cors',
			cache: 'no-store',
			duplex: 'half',
			headers: [
				['accept', 'text/event-stream'],
				['content-type', 'application/json'],
				['x-mine', '1']
			],
			signal: undefined
		})
	})

	test('leaves an `accept` of the user alone', async ({ open, requests }) => {
		open({ headers: [['Accept', 'application/json, text/event-stream']] })
		await flushPromises()
		expect(requests.last.headers.get('accept')).toBe('application/json, text/event-stream')
	})

	test('is made anew for each attempt: headers and body', async ({ open, requests, clock }) => {
		let count = 0
		open({
			headers: async () => ({ 'x-count': `${++count}` }),
			body: async () => `${++count}`
		})
		await flushPromises()
		await requests.last.fail()
		await clock.advance(250)
		expect(requests.all.map(({ headers, init }) => [headers.get('x-count'), init.body])).toEqual([
			['1', '2'],
			['3', '4']
		])
	})

	// Platforms refuse to send such a body unless they are told that its answer comes later.
	test('may have a body that is a stream, made by a function', async () => {
		await using server = await startHttpServer(async (request) => {
			const text = await request.text()
			return produce(({ emit, close }) => (emit('message', text), close()))
		})
		const connection = source(server.url, {
			headers: { 'content-type': 'text/plain' },
			body: () => new Blob(['hello']).stream()
		})
		expect(await connection.select('message').next()).toBe('hello')
		connection.close()
	})

	// The reconnect failed with "ReadableStream is locked", again and again.
	for (const [what, reconnect, log] of [
		['', {}, 'reconnecting cut !cut in 250|reconnecting cut !cut|'],
		[
			', also where `decide` would go on',
			{ decide: () => undefined },
			'reconnecting cut !cut in 250|reconnecting cut !cut|'
		]
	] as const)
		test(`sends a body that is a stream once, and says what to do${what}`, async ({
			open,
			requests,
			clock
		}) => {
			const linked = open({ body: new Blob(['hello']).stream(), reconnect })
			await flushPromises()
			await requests.last.hello()
			await requests.last.end()
			await clock.advance(60_000)
			expect(linked.log.slice(2).join('|')).toBe(`${log}closed request !request`)
			expect(linked.witness.last!.error!.message).toBe(
				'The body is a stream, which can be sent once, and was sent already. Pass a function that makes one for each attempt, or `reconnect: false`.'
			)
			expect(requests.count).toBe(1)
		})

	test('says the same of a stream that others read', async ({ open, requests }) => {
		const body = new Blob(['hello']).stream()
		body.getReader()
		const { log } = open({ body })
		await flushPromises()
		expect(log).toEqual(['connecting asked', 'closed request !request'])
		expect(requests.count).toBe(0)
	})

	test('sends a stream for each attempt that a function makes', async ({
		open,
		requests,
		clock
	}) => {
		open({ body: () => new Blob(['hello']).stream() })
		await flushPromises()
		await requests.last.hello()
		await requests.last.end()
		await clock.advance(250)
		expect(requests.all.map(({ init }) => init.body)).toEqual([
			expect.any(ReadableStream),
			expect.any(ReadableStream)
		])
	})

	test('sends a body again that is none of these', async ({ open, requests, clock }) => {
		const body = new URLSearchParams({ a: '1' })
		open({ body })
		await flushPromises()
		await requests.last.hello()
		await requests.last.end()
		await clock.advance(250)
		expect(requests.all.map(({ init }) => init.body)).toEqual([body, body])
	})

	for (const limit of [1, 2_000, 120_000])
		test(`is given up after a \`connectTimeout\` of ${limit} ms`, async ({
			open,
			requests,
			clock
		}) => {
			const { log, witness } = open({ connectTimeout: limit })
			await clock.advance(limit - 1)
			expect(log).toEqual(['connecting asked'])
			await clock.advance(1)
			expect(log).toEqual(['connecting asked', 'reconnecting timeout !timeout in 250'])
			expect(witness.last!.error!.message).toContain('No response within `connectTimeout`')
			expect(requests.last.isAborted).toBe(true)
		})

	test('that is answered has no such limit any more', async ({ open, requests, clock }) => {
		const { log } = open({ connectTimeout: 2_000 })
		await clock.advance(1_999)
		await requests.last.answer('data: a\n\n')
		await clock.advance(3_600_000)
		expect(log).toEqual(['connecting asked', 'open accepted'])
	})

	for (const [what, options] of [
		['headers function that rejects', { headers: () => Promise.reject(new Error('mine')) }],
		['headers function that throws', { headers: throwing }],
		[
			'headers function that throws an error of this library',
			{ headers: () => Promise.reject(new SseError('response', 'no token')) }
		],
		['body function that throws', { body: throwing }],
		['headers function that gives what is no header', { headers: () => ({ 'no good': '1' }) }]
	] as const)
		test(`with a ${what} fails that attempt, and no other`, async ({ open, requests, clock }) => {
			const { log, witness } = open(options as object)
			await flushPromises()
			expect(log).toEqual(['connecting asked', 'reconnecting request !request in 250'])
			expect(witness.last?.error?.cause).toBeInstanceOf(Error)
			await clock.advance(250)
			expect(log.slice(2)).toEqual([
				'reconnecting request !request',
				'reconnecting request !request in 500'
			])
			expect(requests.count).toBe(0)
		})

	test('whose headers hang is given up, and never sent afterwards', async ({
		open,
		requests,
		clock
	}) => {
		const hanging = Promise.withResolvers<HeadersInit>()
		let isFirst = true
		const headers = () => {
			const given = isFirst ? hanging.promise : {}
			isFirst = false
			return given
		}
		const { log } = open({ headers })
		await clock.advance(30_000)
		expect(log.at(-1)).toBe('reconnecting timeout !timeout in 250')
		await clock.advance(250)
		hanging.resolve({ 'x-late': '1' })
		await flushPromises()
		expect(requests.all.map(({ headers }) => headers.get('x-late'))).toEqual([null])
	})

	// It became a request that nothing could end.
	test('whose headers function closes the link is not made', async ({ open, requests, clock }) => {
		const linked = open({
			headers() {
				linked.link.leave(linked.witness)
				return {}
			}
		})
		await clock.advance(60_000)
		expect(requests.count).toBe(0)
		linked.link.join(linked.witness, undefined)
		linked.link.connect()
		expect(linked.log).toEqual(['connecting asked', 'connecting asked'])
	})
})

function throwing(): never {
	throw new Error('mine')
}

describe('the last id', () => {
	test('goes along with every attempt once there was one', async ({ open, requests, clock }) => {
		const { link, witness } = open()
		await flushPromises()
		await requests.last.hello(30_000, 'id: 1\ndata: a\n\nid: 2\ndata: b\n\ndata: c\n\n')
		await requests.last.end()
		await clock.advance(250)
		await requests.last.fail()
		await clock.advance(500)
		await requests.last.hello()
		await requests.last.goodbye('done')
		link.join(witness, link.lastEventId)
		await clock.advance(500)
		link.connect()
		await flushPromises()
		expect(requests.all.map(({ lastEventId }) => lastEventId)).toEqual([null, '2', '2', '2'])
	})

	test('can be given for the first attempt', async ({ open, requests }) => {
		open({ lastEventId: '7' })
		await flushPromises()
		expect(requests.last.lastEventId).toBe('7')
	})

	test('counts once its event is whole, with or without data', async ({ open, requests }) => {
		const { link } = open()
		await flushPromises()
		await requests.last.hello()
		const seen: (string | undefined)[] = []
		for (const piece of ['id: 1\n', 'data: a\n\n', 'id: 2\n\n', 'id: 3\ndata: cut']) {
			await requests.last.write(piece)
			seen.push(link.lastEventId)
		}
		expect(seen).toEqual([undefined, '1', '2', '2'])
	})

	test('is taken back by an empty one', async ({ open, requests, clock }) => {
		open({ lastEventId: '7' })
		await flushPromises()
		await requests.last.hello(30_000, 'id\ndata: a\n\n')
		await requests.last.end()
		await clock.advance(250)
		expect(requests.all.map(({ lastEventId }) => lastEventId)).toEqual(['7', null])
	})

	// It broke every later request, for ever.
	for (const [what, id] of [
		['of 200 kB', 'x'.repeat(200_000)],
		['of 4,097 bytes', 'x'.repeat(4_097)],
		['of 4,097 bytes in fewer characters', 'x' + '€'.repeat(1_365) + 'x'],
		['with a control character', 'a\x01b'],
		['with DEL', 'a\x7fb']
	] as const)
		test(`${what} is not sent, and breaks nothing`, async ({ open, requests, clock }) => {
			const { log, events } = open()
			await flushPromises()
			await requests.last.hello(30_000, `id: ${id}\ndata: a\n\n`)
			await requests.last.end()
			await clock.advance(250)
			expect(requests.count).toBe(2)
			expect(requests.last.lastEventId).toBe(null)
			// What came meanwhile is lost, and that is said.
			await requests.last.hello(30_000, 'id: 7\ndata: b\n\n')
			expect(log.slice(-2)).toEqual(['open accepted', 'gap'])
			await requests.last.end()
			await clock.advance(500)
			expect(requests.last.lastEventId).toBe('7')
			expect(events).toEqual(['message:a', 'message:b'])
		})

	for (const [what, id] of [
		['of 4,096 bytes', '€'.repeat(1_365) + 'x'],
		['with a tab', 'a\tb'],
		['with a colon and spaces', 'a: b  c']
	] as const)
		test(`${what} is sent`, async ({ open, requests, clock }) => {
			open()
			await flushPromises()
			await requests.last.hello(30_000, `id: ${id}\ndata: a\n\n`)
			await requests.last.end()
			await clock.advance(250)
			expect(decodeId(requests.last.lastEventId)).toBe(id)
		})

	test("leaves a header of the user's own alone until the stream has sent one", async ({
		open,
		requests,
		clock
	}) => {
		open({ headers: { 'Last-Event-ID': 'mine' } })
		await flushPromises()
		await requests.last.fail()
		await clock.advance(250)
		await requests.last.hello(30_000, 'id: 7\ndata: a\n\n')
		await requests.last.end()
		await clock.advance(500)
		expect(requests.all.map(({ lastEventId }) => lastEventId)).toEqual(['mine', 'mine', '7'])
	})

	test('is sent as UTF-8', async ({ open, requests }) => {
		open({ lastEventId: 'é…' })
		await flushPromises()
		expect(requests.last.lastEventId).toBe('Ã©â\x80¦')
	})
})

describe('a body', () => {
	test('that was refused is read up to 1 kB and then cancelled', async ({ open, requests }) => {
		requests.ignoresAbort = true
		const { witness } = open()
		await flushPromises()
		await requests.last.answer('x'.repeat(3_000), { status: 500 })
		expect(requests.last.body).toBe('cancelled')
		expect(witness.last?.error?.body).toBe('x'.repeat(1_024))
	})

	// The status was known, but the attempt ran into its time limit, and a refusal that is final was tried again and again.
	for (const status of [401, 200])
		test(`that was refused with ${status} and never ends is waited for a second`, async ({
			open,
			requests,
			clock
		}) => {
			requests.ignoresAbort = true
			const { log, witness } = open()
			await flushPromises()
			await requests.last.answer('short', { status, headers: { 'content-type': 'text/plain' } })
			await clock.advance(999)
			expect([log, clock.timers]).toEqual([['connecting asked'], 1])
			await clock.advance(1)
			expect(log).toEqual(['connecting asked', 'closed refused !response'])
			expect(witness.last?.error).toMatchObject({ status, body: 'short' })
			expect(requests.last.body).toBe('cancelled')
		})

	test('that was refused is cancelled when the link is left while it is read', async ({
		open,
		requests,
		clock
	}) => {
		requests.ignoresAbort = true
		const { link, witness } = open()
		await flushPromises()
		await requests.last.answer('short', { status: 500, headers: { 'content-type': 'text/plain' } })
		link.leave(witness)
		await flushPromises()
		expect([requests.last.body, clock.timers]).toEqual(['cancelled', 0])
	})

	test('that is left is cancelled, also when the `fetch` of the user does not hear the abort', async ({
		open,
		requests
	}) => {
		requests.ignoresAbort = true
		const { link, witness } = open()
		await flushPromises()
		await requests.last.hello()
		link.leave(witness)
		await flushPromises()
		expect(requests.last.body).toBe('cancelled')
	})

	for (const status of [200, 500])
		test(`of a response of ${status} that comes after the link was left is cancelled`, async ({
			open,
			requests
		}) => {
			requests.ignoresAbort = true
			const { link, witness } = open()
			await flushPromises()
			link.leave(witness)
			await requests.last.answer('data: a\n\n', { status })
			expect(requests.last.body).toBe('cancelled')
		})

	test('with one event in pieces of 1 KiB is read in time that grows as the event does', async ({
		open,
		requests
	}) => {
		const piece = new TextEncoder().encode('x'.repeat(1_024))
		/** Microseconds of the processor, not of the clock: the least of three, since others only add to it. */
		const cost = async (pieces: number): Promise<number> => {
			const costs: number[] = []
			for (let round = 0; round < 3; round++) {
				const { link, witness, events } = open()
				await flushPromises()
				await requests.last.hello(30_000, 'data: ')
				const before = process.cpuUsage()
				for (let count = 0; count < pieces; count++) void requests.last.write(piece)
				await requests.last.write('\n\n')
				while (events.length === 0) await flushPromises()
				const { user, system } = process.cpuUsage(before)
				costs.push(user + system)
				expect(events[0]).toHaveLength('message:'.length + pieces * 1_024)
				link.leave(witness)
			}
			return Math.min(...costs)
		}
		const [one, eight] = [await cost(1_024), await cost(8 * 1_024)]
		// About 8; if each piece copied what came before it, 64.
		expect(eight / one).toBeLessThan(32)
	})
})
