import { describe, expect } from 'vitest'
import { produce } from '../../../src/lib/produce/produce.js'
import { source } from '../../../src/lib/source.js'
import { settled } from '../../support/clock.js'
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
		await settled()
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
				['x-mine', '1']
			],
			signal: undefined
		})
	})

	test('leaves an `accept` of the user alone', async ({ open, requests }) => {
		open({ headers: [['Accept', 'application/json, text/event-stream']] })
		await settled()
		expect(requests.last.headers.get('accept')).toBe('application/json, text/event-stream')
	})

	test('is made anew for each attempt: url, headers and body', async ({
		open,
		requests,
		clock
	}) => {
		let count = 0
		open({
			url: () => `http://app.test/${++count}`,
			headers: async () => ({ 'x-count': `${++count}` }),
			body: async () => `${++count}`
		})
		await settled()
		await requests.last.fail()
		await clock.advance(250)
		expect(
			requests.all.map(({ url, headers, init }) => [url, headers.get('x-count'), init.body])
		).toEqual([
			['http://app.test/3', '1', '2'],
			['http://app.test/6', '4', '5']
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

	for (const [what, options] of [
		['headers function that rejects', { headers: () => Promise.reject(new Error('mine')) }],
		['headers function that throws', { headers: throwing }],
		['body function that throws', { body: throwing }],
		['url function that throws', { url: throwing }],
		['headers function that gives what is no header', { headers: () => ({ 'no good': '1' }) }]
	] as const)
		test(`with a ${what} fails that attempt, and no other`, async ({ open, requests, clock }) => {
			const { log, witness } = open(options as object)
			await settled()
			expect(log).toEqual(['connecting asked', 'reconnecting request !request in 250'])
			expect(witness.last?.error?.cause).toBeInstanceOf(Error)
			await clock.advance(250)
			expect(log.slice(2)).toEqual([
				'connecting request !request',
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
		await settled()
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
		linked.link.join(linked.witness)
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
		await settled()
		await requests.last.hello(30_000, 'id: 1\ndata: a\n\nid: 2\ndata: b\n\ndata: c\n\n')
		await requests.last.end()
		await clock.advance(250)
		await requests.last.fail()
		await clock.advance(500)
		await requests.last.hello()
		await requests.last.goodbye('done')
		link.join(witness)
		await clock.advance(500)
		link.connect()
		await settled()
		expect(requests.all.map(({ lastEventId }) => lastEventId)).toEqual([null, '2', '2', '2'])
	})

	test('can be given for the first attempt', async ({ open, requests }) => {
		open({ lastEventId: '7' })
		await settled()
		expect(requests.last.lastEventId).toBe('7')
	})

	test('counts once its event is whole, with or without data', async ({ open, requests }) => {
		const { link } = open()
		await settled()
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
		await settled()
		await requests.last.hello(30_000, 'id\ndata: a\n\n')
		await requests.last.end()
		await clock.advance(250)
		expect(requests.all.map(({ lastEventId }) => lastEventId)).toEqual(['7', null])
	})

	test('is sent as UTF-8', async ({ open, requests }) => {
		open({ lastEventId: 'é…' })
		await settled()
		expect(requests.last.lastEventId).toBe('Ã©â\x80¦')
	})
})

describe('a body', () => {
	test('that was refused is read up to 1 kB and then cancelled', async ({ open, requests }) => {
		requests.hearsAbort = false
		const { witness } = open()
		await settled()
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
			requests.hearsAbort = false
			const { log, witness } = open()
			await settled()
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
		requests.hearsAbort = false
		const { link, witness } = open()
		await settled()
		await requests.last.answer('short', { status: 500, headers: { 'content-type': 'text/plain' } })
		link.leave(witness)
		await settled()
		expect([requests.last.body, clock.timers]).toEqual(['cancelled', 0])
	})

	test('that is left is cancelled, also when the `fetch` of the user does not hear the abort', async ({
		open,
		requests
	}) => {
		requests.hearsAbort = false
		const { link, witness } = open()
		await settled()
		await requests.last.hello()
		link.leave(witness)
		await settled()
		expect(requests.last.body).toBe('cancelled')
	})

	for (const status of [200, 500])
		test(`of a response of ${status} that comes after the link was left is cancelled`, async ({
			open,
			requests
		}) => {
			requests.hearsAbort = false
			const { link, witness } = open()
			await settled()
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
				await settled()
				await requests.last.hello(30_000, 'data: ')
				const before = process.cpuUsage()
				for (let count = 0; count < pieces; count++) void requests.last.write(piece)
				await requests.last.write('\n\n')
				while (events.length === 0) await settled()
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
