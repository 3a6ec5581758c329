import { describe, expect } from 'vitest'
import { settled } from '../../support/clock.js'
import { test } from './fixture.js'

// The whole log of each story: where the link stands, why, the code of the error, and when it goes on. Chance gives 0.5,
// so the first wait is half of 500 ms.

describe('a stream of ours', () => {
	test('opens, delivers and ends for good with `done`', async ({ open, requests }) => {
		const { log, events } = open()
		await settled()
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
		await settled()
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
			'connecting restart',
			'open accepted',
			'reconnecting slow in 2250',
			'connecting slow'
		])
	})

	test('comes back at once after `rotate` and `expired`, if it had lasted', async ({
		open,
		requests,
		clock
	}) => {
		const { log } = open()
		await settled()
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
			'connecting rotate',
			'open accepted',
			'reconnecting expired in 0',
			'connecting expired'
		])
	})

	test('backs off after a `rotate` that came too soon', async ({ open, requests, clock }) => {
		const { log } = open()
		await settled()
		await requests.last.hello()
		await clock.advance(4_999)
		await requests.last.goodbye('rotate')
		expect(log.at(-1)).toBe('reconnecting rotate in 250')
	})

	test('makes its headers anew after `expired`', async ({ open, requests, clock }) => {
		let token = 0
		open({ headers: () => ({ authorization: `Bearer ${++token}` }) })
		await settled()
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
		await settled()
		await requests.last.hello()
		await requests.last.goodbye('denied')
		expect(log).toEqual(['connecting asked', 'open accepted', 'closed denied !denied'])
		expect(witness.last?.error).toMatchObject({ code: 'denied', reason: 'denied' })
	})

	test('backs off with an error after `error`', async ({ open, requests }) => {
		const { log, witness } = open()
		await settled()
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
		await settled()
		await requests.last.hello()
		await requests.last.end()
		await clock.advance(250)
		await requests.last.hello()
		await requests.last.fail()
		expect(log).toEqual([
			'connecting asked',
			'open accepted',
			'reconnecting cut !cut in 250',
			'connecting cut !cut',
			'open accepted',
			'reconnecting cut !cut in 500'
		])
	})

	test('ends by its last frame also when the body breaks off after it', async ({
		open,
		requests
	}) => {
		const { log } = open()
		await settled()
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
		await settled()
		await requests.last.hello(30_000, ': sveltekit-sse/1 close done\n\n')
		expect(log.at(-1)).toBe('open accepted')
		await clock.advance(1_000)
		expect(log.at(-1)).toBe('closed done')
		expect(requests.last.isAborted).toBe(true)
	})

	test('tells of a gap', async ({ open, requests }) => {
		const { log } = open()
		await settled()
		await requests.last.hello(30_000, ': sveltekit-sse/1 gap\n\n')
		expect(log.at(-1)).toBe('gap')
	})
})

describe('a foreign stream', () => {
	test('is complete when it ends cleanly', async ({ open, requests }) => {
		const { log, events } = open()
		await settled()
		await requests.last.answer('data: token\n\n')
		await requests.last.end()
		expect(events).toEqual(['message:token'])
		expect(log).toEqual(['connecting asked', 'open accepted', 'closed complete'])
	})

	test('was cut when it breaks off', async ({ open, requests }) => {
		const { log } = open()
		await settled()
		await requests.last.answer('data: token\n\n')
		await requests.last.fail()
		expect(log.at(-1)).toBe('reconnecting cut !cut in 250')
	})

	test('is not controlled by comments that look like ours', async ({ open, requests }) => {
		const { log } = open()
		await settled()
		await requests.last.answer(': sveltekit-sse/1 close denied\n\n: sveltekit-sse/1 gap\n\n')
		await requests.last.end()
		expect(log).toEqual(['connecting asked', 'open accepted', 'closed complete'])
	})
})

describe('a response that is no stream', () => {
	for (const status of [400, 401, 403, 404, 405, 410, 422, 304])
		test(`of status ${status} is final`, async ({ open, requests }) => {
			const { log, witness } = open()
			await settled()
			await requests.last.refuse(status, 'no such thing')
			expect(log).toEqual(['connecting asked', 'closed refused !response'])
			const body = status === 304 ? '' : 'no such thing'
			expect(witness.last?.error).toMatchObject({ status, body })
		})

	for (const status of [408, 425, 429, 500, 502, 503, 504])
		test(`of status ${status} passes`, async ({ open, requests }) => {
			const { log, witness } = open()
			await settled()
			await requests.last.refuse(status, 'busy')
			expect(log).toEqual(['connecting asked', 'reconnecting refused !response in 250'])
			expect(witness.last?.error).toMatchObject({ status, body: 'busy' })
		})

	test('of status 204 closes without an error', async ({ open, requests }) => {
		const { log } = open()
		await settled()
		await requests.last.refuse(204)
		expect(log).toEqual(['connecting asked', 'closed no-content'])
	})

	test('of another type is final, and its start is kept', async ({ open, requests }) => {
		const { log, witness } = open()
		await settled()
		await requests.last.refuse(200, `<h1>${'x'.repeat(5_000)}`, { 'content-type': 'text/html' })
		expect(log).toEqual(['connecting asked', 'closed refused !response'])
		expect(witness.last?.error?.body).toBe(`<h1>${'x'.repeat(1_020)}`)
		expect(witness.last?.error?.message).toContain('text/html')
	})
})

describe('an attempt without a response', () => {
	test('is a network error, and not the last', async ({ open, requests }) => {
		const { log, witness } = open()
		await settled()
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
	await settled()
	await requests.last.hello()
	link.leave(witness)
	expect(log).toEqual(['connecting asked', 'open accepted'])
	expect(link.isLive).toBe(false)
	expect(requests.last.isAborted).toBe(true)
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
		gap() {},
		progress() {}
	}
	link.join(failing)
	await settled()
	await requests.last.hello()
	link.leave(failing)
	expect(log).toEqual(['connecting asked', 'open accepted'])
	expect(reported.splice(0)).toMatchObject([{ message: 'mine' }])
})
