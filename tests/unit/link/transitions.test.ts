import { describe, expect } from 'vitest'
import { flushPromises } from '../../../src/lib/testing/flush-promises.js'
import { line, test } from './fixture.js'

// The whole log of each story: where the link stands, why, the code of the error, and when it goes on. Chance gives 0.5,
// so the first wait is half of 500 ms.

describe('a stream of ours', () => {
	test('opens, delivers and ends for good with `done`', async ({ open, requests }) => {
		const { log, events } = open()
		await flushPromises()
		await requests.last.hello()
		await requests.last.write('data: one\n\nevent: tick\ndata: two\n\n')
		await requests.last.goodbye('done')
		expect(events).toEqual(['message:one', 'tick:two'])
		expect(log).toEqual(['connecting asked', 'open accepted', 'closed done'])
	})

	test('comes back after `restart` and `slow`, after what the server asked for', async ({
		open,
		requests,
		clock
	}) => {
		const { log } = open()
		await flushPromises()
		for (const reason of ['restart', 'slow']) {
			await requests.last.hello()
			await clock.advance(6_000)
			await requests.last.goodbye(reason, 2_000)
			await clock.advance(2_250)
		}
		expect(log).toEqual([
			'connecting asked',
			'open accepted',
			'reconnecting restart in 2250',
			'reconnecting restart',
			'open accepted',
			'reconnecting slow in 2250',
			'reconnecting slow'
		])
	})

	test('comes back at once after `rotate` and `expired`, if it had lasted', async ({
		open,
		requests,
		clock
	}) => {
		const { log } = open()
		await flushPromises()
		for (const reason of ['rotate', 'expired']) {
			await requests.last.hello()
			await clock.advance(5_000)
			await requests.last.goodbye(reason)
			await clock.advance(0)
		}
		expect(log).toEqual([
			'connecting asked',
			'open accepted',
			'reconnecting rotate in 0',
			'reconnecting rotate',
			'open accepted',
			'reconnecting expired in 0',
			'reconnecting expired'
		])
	})

	test('backs off after a `rotate` that came too soon', async ({ open, requests, clock }) => {
		const { log } = open()
		await flushPromises()
		await requests.last.hello()
		await clock.advance(4_999)
		await requests.last.goodbye('rotate')
		expect(log.at(-1)).toBe('reconnecting rotate in 250')
	})

	test('makes its headers anew after `expired`', async ({ open, requests, clock }) => {
		let token = 0
		open({ headers: () => ({ authorization: `Bearer ${++token}` }) })
		await flushPromises()
		await requests.last.hello()
		await clock.advance(5_000)
		await requests.last.goodbye('expired')
		await clock.advance(0)
		expect(requests.all.map(({ headers }) => headers.get('authorization'))).toEqual([
			'Bearer 1',
			'Bearer 2'
		])
	})

	test('closes with an error after `denied`', async ({ open, requests }) => {
		const { log, witness } = open()
		await flushPromises()
		await requests.last.hello()
		await requests.last.goodbye('denied')
		expect(log).toEqual(['connecting asked', 'open accepted', 'closed denied !denied'])
		expect(witness.last?.error).toMatchObject({ code: 'denied', reason: 'denied' })
	})

	test('backs off with an error after `error`', async ({ open, requests }) => {
		const { log, witness } = open()
		await flushPromises()
		await requests.last.hello()
		await requests.last.goodbye('error')
		expect(log.at(-1)).toBe('reconnecting error !failed in 250')
		expect(witness.last?.error).toMatchObject({ code: 'failed', reason: 'error' })
	})

	test('was cut when it ends, or breaks off, without a reason', async ({
		open,
		requests,
		clock
	}) => {
		const { log } = open()
		await flushPromises()
		await requests.last.hello()
		await requests.last.end()
		await clock.advance(250)
		await requests.last.hello()
		await requests.last.fail()
		expect(log).toEqual([
			'connecting asked',
			'open accepted',
			'reconnecting cut !cut in 250',
			'reconnecting cut !cut',
			'open accepted',
			'reconnecting cut !cut in 500'
		])
	})

	test('ends by its last frame also when the body breaks off after it', async ({
		open,
		requests
	}) => {
		const { log } = open()
		await flushPromises()
		await requests.last.hello(30_000, ': sveltekit-sse/1 close done\n\n')
		await requests.last.fail()
		expect(log.at(-1)).toBe('closed done')
	})

	test('ends by its last frame also when the body never ends', async ({
		open,
		requests,
		clock
	}) => {
		const { log } = open()
		await flushPromises()
		await requests.last.hello(30_000, ': sveltekit-sse/1 close done\n\n')
		expect(log.at(-1)).toBe('open accepted')
		await clock.advance(1_000)
		expect(log.at(-1)).toBe('closed done')
		expect(requests.last.isAborted).toBe(true)
	})

	test('tells of a gap', async ({ open, requests }) => {
		const { log } = open()
		await flushPromises()
		await requests.last.hello(30_000, ': sveltekit-sse/1 gap\n\n')
		expect(log.at(-1)).toBe('gap')
	})
})

describe('a foreign stream', () => {
	test('is complete when it ends cleanly', async ({ open, requests }) => {
		const { log, events } = open()
		await flushPromises()
		await requests.last.answer('data: token\n\n')
		await requests.last.end()
		expect(events).toEqual(['message:token'])
		expect(log).toEqual(['connecting asked', 'open accepted', 'closed complete'])
	})

	for (const piece of [
		'data: b',
		'data: b\n',
		'id: 7\n',
		'event: b\n',
		'event',
		'data: b\r\n',
		'data: b\r'
	])
		test(`was cut when it ends inside an event: ${JSON.stringify(piece)}`, async ({
			open,
			requests
		}) => {
			const { log, events } = open()
			await flushPromises()
			await requests.last.answer('data: a\n\n')
			await requests.last.write(piece)
			await requests.last.end()
			expect(events).toEqual(['message:a'])
			expect(log.at(-1)).toBe('reconnecting cut !cut in 250')
		})

	for (const piece of [
		'',
		'\n',
		': bye\n',
		': bye\n\n',
		'data: b\n\n',
		'data: b\r\n\r\n',
		'data: b\r\r'
	])
		test(`is complete when it ends between two: ${JSON.stringify(piece)}`, async ({
			open,
			requests
		}) => {
			const { log } = open()
			await flushPromises()
			await requests.last.answer('data: a\n\n')
			await requests.last.write(piece)
			await requests.last.end()
			expect(log.at(-1)).toBe('closed complete')
		})

	// Mercure, Azure and others end their streams regularly.
	for (const [what, text] of [
		['it sent ids', 'id: 7\ndata: a\n\n'],
		['it sent `retry:`', 'retry: 100\n\ndata: a\n\n']
	] as const)
		test(`comes back when it ends in order, if ${what}`, async ({ open, requests, clock }) => {
			const { log } = open()
			await flushPromises()
			await requests.last.answer(text)
			await requests.last.end()
			await clock.advance(500)
			expect(log.slice(1)).toEqual([
				'open accepted',
				'reconnecting complete in 500',
				'reconnecting complete'
			])
			expect(requests.count).toBe(2)
		})

	test('comes back when it ends in order, if an id was asked for', async ({ open, requests }) => {
		const { log } = open({ lastEventId: '7' })
		await flushPromises()
		await requests.last.answer('data: a\n\n')
		await requests.last.end()
		expect(log.at(-1)).toBe('reconnecting complete in 500')
	})

	test('backs off when it says nothing but an id, and ends', async ({ open, requests, clock }) => {
		const { log } = open()
		await flushPromises()
		await requests.last.answer('id: 7\n\n')
		await requests.last.end()
		await clock.advance(250)
		await requests.last.answer()
		await requests.last.end()
		expect(log.slice(2)).toEqual([
			'reconnecting complete in 250',
			'reconnecting complete',
			'open accepted',
			'reconnecting complete in 500'
		])
	})

	test('was cut when it breaks off', async ({ open, requests }) => {
		const { log } = open()
		await flushPromises()
		await requests.last.answer('data: token\n\n')
		await requests.last.fail()
		expect(log.at(-1)).toBe('reconnecting cut !cut in 250')
	})

	test('is not controlled by comments that look like ours', async ({ open, requests }) => {
		const { log } = open()
		await flushPromises()
		await requests.last.answer(': sveltekit-sse/1 close denied\n\n: sveltekit-sse/1 gap\n\n')
		await requests.last.end()
		expect(log).toEqual(['connecting asked', 'open accepted', 'closed complete'])
	})
})

describe('a response that is no stream', () => {
	for (const status of [400, 401, 403, 404, 405, 410, 422, 304])
		test(`of status ${status} is final`, async ({ open, requests }) => {
			const { log, witness } = open()
			await flushPromises()
			await requests.last.refuse(status, 'no such thing')
			expect(log).toEqual(['connecting asked', 'closed refused !response'])
			const body = status === 304 ? '' : 'no such thing'
			expect(witness.last?.error).toMatchObject({ status, body })
		})

	for (const status of [408, 425, 429, 500, 502, 503, 504])
		test(`of status ${status} passes`, async ({ open, requests }) => {
			const { log, witness } = open()
			await flushPromises()
			await requests.last.refuse(status, 'busy')
			expect(log).toEqual(['connecting asked', 'reconnecting refused !response in 250'])
			expect(witness.last?.error).toMatchObject({ status, body: 'busy' })
		})

	test('of status 204 closes without an error', async ({ open, requests }) => {
		const { log } = open()
		await flushPromises()
		await requests.last.refuse(204)
		expect(log).toEqual(['connecting asked', 'closed no-content'])
	})

	// Such as those of React Native's own fetch.
	for (const [what, body] of [
		['without a body', null],
		['with a body that cannot be read as it comes', { text: async () => 'data: a\n\n' }]
	] as const)
		test(`of the right type, but ${what}, is final, and its error says so`, async ({ open }) => {
			const headers = new Headers({ 'content-type': 'text/event-stream' })
			const response = { status: 200, headers, body } as unknown as Response
			const { log, witness } = open({ fetch: async () => response })
			await flushPromises()
			expect(log).toEqual(['connecting asked', 'closed refused !response'])
			expect(witness.last!.error).toMatchObject({
				status: 200,
				message: expect.stringMatching(
					/no body that can be read as it comes.* pass a `fetch` whose/
				)
			})
		})

	test('of another type is final, and its start is kept', async ({ open, requests }) => {
		const { log, witness } = open()
		await flushPromises()
		await requests.last.refuse(200, `<h1>${'x'.repeat(5_000)}`, { 'content-type': 'text/html' })
		expect(log).toEqual(['connecting asked', 'closed refused !response'])
		expect(witness.last?.error?.body).toBe(`<h1>${'x'.repeat(1_020)}`)
		expect(witness.last?.error?.message).toContain('text/html')
	})
})

describe('an attempt without a response', () => {
	test('is a network error, and not the last', async ({ open, requests }) => {
		const { log, witness } = open()
		await flushPromises()
		await requests.last.fail('connection refused')
		expect(log).toEqual(['connecting asked', 'reconnecting network !network in 250'])
		expect(witness.last?.error?.cause).toBeInstanceOf(TypeError)
	})

	test('is given up after 30 s', async ({ open, requests, clock }) => {
		const { log } = open()
		await clock.advance(29_999)
		expect(log).toEqual(['connecting asked'])
		await clock.advance(1)
		expect(log).toEqual(['connecting asked', 'reconnecting timeout !timeout in 250'])
		expect(requests.last.isAborted).toBe(true)
	})
})

test('the last member that leaves takes the link down, and nobody hears of it', async ({
	open,
	requests
}) => {
	const { link, log, witness } = open()
	await flushPromises()
	await requests.last.hello()
	link.leave(witness)
	expect(log).toEqual(['connecting asked', 'open accepted'])
	expect(link.isLive).toBe(false)
	expect(requests.last.isAborted).toBe(true)
})

test('a link tells where it stands whoever joins', async ({ open, requests, clock }) => {
	const { link } = open()
	const seen: string[] = []
	const look = () => seen.push(line(link.standing))
	look()
	await flushPromises()
	await requests.last.hello()
	look()
	await requests.last.end()
	await clock.advance(100)
	look()
	await clock.advance(150)
	look()
	expect(seen).toEqual([
		'connecting asked',
		'open accepted',
		'reconnecting cut !cut in 150',
		'reconnecting cut !cut'
	])
})

test('no attempt under way has a time for the next', async ({ open, requests, clock }) => {
	const { witness } = open()
	await flushPromises()
	await requests.last.fail()
	expect(witness.last!.retryAt).toEqual(new Date(+clock.date + 250))
	await clock.advance(250)
	expect(witness.last).toMatchObject({
		status: 'reconnecting',
		retryAt: undefined,
		delay: undefined
	})
	expect(witness.last!.attempt).toBe(1)
})

test('a member that throws does not keep the others from hearing', async ({
	open,
	requests,
	reported
}) => {
	const { link, log } = open()
	const failing = {
		transition() {
			throw new Error('mine')
		},
		fresh() {},
		gap() {},
		parsed() {}
	}
	link.join(failing, undefined)
	await flushPromises()
	await requests.last.hello()
	link.leave(failing)
	expect(log).toEqual(['connecting asked', 'open accepted'])
	expect(reported.splice(0)).toMatchObject([{ message: 'mine' }])
})
