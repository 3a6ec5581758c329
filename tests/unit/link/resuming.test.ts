import { describe, expect } from 'vitest'
import { flushPromises } from '../../../src/lib/testing/flush-promises.js'
import { helloFrame } from '../../../src/lib/wire/control.js'
import type { Call } from '../../support/requests.js'
import { test, Witness } from './fixture.js'

// What a stream says of itself before its first event: that it is ours, how often it will be heard, and whether it goes on
// where the last one was lost.

const header = (ping: number) => ({ headers: { 'sveltekit-sse': `1; ping=${ping}` } })

/** Answers as `produce()` does, with the header. */
const announce = (call: Call, text = '', ping = 30_000) => call.answer(text, header(ping))

const resumed = helloFrame({ ping: 30_000, resumed: true })
const anew = helloFrame({ ping: 30_000 })

describe('a stream that announces itself by the header', () => {
	test('is open with its first frame, not with its headers', async ({ open, requests, clock }) => {
		const { log } = open()
		await flushPromises()
		await announce(requests.last)
		await clock.advance(60_000)
		expect(log).toEqual(['connecting asked'])
		await requests.last.write(anew)
		expect(log).toEqual(['connecting asked', 'open accepted'])
	})

	for (const [what, frame] of [
		['a heartbeat', ':\n\n'],
		['an event', 'data: a\n\n'],
		['a part of the first frame', ': sveltekit-sse/1 he']
	] as const)
		test(`is open with ${what} too`, async ({ open, requests }) => {
			const { log } = open()
			await flushPromises()
			await announce(requests.last)
			await requests.last.write(frame)
			expect(log).toEqual(['connecting asked', 'open accepted'])
		})

	test('is open before its first event is delivered', async ({ open, requests }) => {
		const { link, log } = open()
		link.slots.all.add(({ data }) => log.push(data))
		await flushPromises()
		await announce(requests.last, `${anew}data: a\n\n`)
		expect(log).toEqual(['connecting asked', 'open accepted', 'a'])
	})

	test('stays `reconnecting` until then after a loss', async ({ open, requests, clock }) => {
		const { log } = open()
		await flushPromises()
		await requests.last.fail()
		await clock.advance(250)
		await announce(requests.last)
		expect(log.at(-1)).toBe('reconnecting network !network')
		await requests.last.write(anew)
		expect(log.at(-1)).toBe('open accepted')
	})

	test('is silent from its headers on: 2.5 times the announced ping', async ({
		open,
		requests,
		clock
	}) => {
		const { log } = open()
		await flushPromises()
		await announce(requests.last, '', 1_000)
		await clock.advance(2_499)
		expect(log).toEqual(['connecting asked'])
		await clock.advance(1)
		expect(log).toEqual(['connecting asked', 'reconnecting silent !silent in 250'])
		expect(requests.active).toEqual([])
	})

	test('is silent by the user’s own watchdog, if there is one', async ({
		open,
		requests,
		clock
	}) => {
		const { log } = open({ watchdog: 700 })
		await flushPromises()
		await announce(requests.last, '', 1_000)
		await clock.advance(700)
		expect(log.at(-1)).toBe('reconnecting silent !silent in 250')
	})

	test('has all the time it wants without a ping', async ({ open, requests, clock }) => {
		const { log } = open()
		await flushPromises()
		await announce(requests.last, '', 0)
		await clock.advance(86_400_000)
		expect([log, clock.timers]).toEqual([['connecting asked'], 0])
	})

	test('is given up by `connectTimeout` no more once its headers are there', async ({
		open,
		requests,
		clock
	}) => {
		const { log } = open({ connectTimeout: 1_000 })
		await flushPromises()
		await announce(requests.last)
		await clock.advance(5_000)
		expect(log).toEqual(['connecting asked'])
	})

	test('was cut when it ends without a word, also before its first frame', async ({
		open,
		requests
	}) => {
		const { log } = open()
		await flushPromises()
		await announce(requests.last)
		await requests.last.end()
		expect(log).toEqual(['connecting asked', 'reconnecting cut !cut in 250'])
	})

	test('goes by the ping of its first frame once that is there', async ({
		open,
		requests,
		clock
	}) => {
		const { log } = open()
		await flushPromises()
		await announce(requests.last, helloFrame({ ping: 4_000 }), 1_000)
		await clock.advance(9_999)
		expect(log.at(-1)).toBe('open accepted')
		await clock.advance(1)
		expect(log.at(-1)).toBe('reconnecting silent !silent in 250')
	})
})

describe('a stream without the header', () => {
	for (const [what, headers] of [
		['a foreign one', {}],
		['one of a later protocol', { 'sveltekit-sse': '2; ping=1000' }]
	] as const)
		test(`is open with its headers: ${what}`, async ({ open, requests, clock }) => {
			const { log } = open()
			await flushPromises()
			await requests.last.answer('', { headers })
			await clock.advance(3_600_000)
			expect(log).toEqual(['connecting asked', 'open accepted'])
		})
})

describe('whether a stream goes on behind the last id', () => {
	/** Has a stream that sent an id, loses it, and waits for the next request. */
	const lose = async (call: Call): Promise<void> => {
		await announce(call, `${anew}id: 7\ndata: a\n\n`)
		await call.end()
	}

	test('is said by the first frame, and told with `open`', async ({ open, requests, clock }) => {
		const { log, witness } = open()
		await flushPromises()
		await lose(requests.last)
		expect(witness.starts).toBe(1)
		await clock.advance(250)
		await announce(requests.last, resumed)
		expect(witness.last).toMatchObject({ status: 'open', resumed: true })
		expect(log.slice(-2)).toEqual(['reconnecting cut !cut', 'open accepted'])
		expect(witness.starts).toBe(1)
	})

	test('is said by the first frame to be not so: a gap, and a new start', async ({
		open,
		requests,
		clock
	}) => {
		const { log, witness } = open()
		await flushPromises()
		await lose(requests.last)
		await clock.advance(250)
		await announce(requests.last, anew)
		expect(witness.last).toMatchObject({ status: 'open', resumed: false })
		expect(log.slice(-2)).toEqual(['open accepted', 'gap'])
		expect(witness.starts).toBe(2)
	})

	test('is told of an id that was given for the first attempt', async ({ open, requests }) => {
		const { log, witness } = open({ lastEventId: '7' })
		await flushPromises()
		await announce(requests.last, anew)
		expect(log).toEqual(['connecting asked', 'open accepted', 'gap'])
		expect([witness.last!.resumed, witness.starts]).toEqual([false, 1])
	})

	test('is no question without an id: no gap', async ({ open, requests, clock }) => {
		const { log, witness } = open()
		await flushPromises()
		for (const wait of [250, 500]) {
			await announce(requests.last, anew)
			expect(witness.last).toMatchObject({ status: 'open', resumed: false })
			await requests.last.end()
			await clock.advance(wait)
		}
		expect(log).not.toContain('gap')
		expect(witness.starts).toBe(2)
	})

	test('is no question of an empty id, which is none', async ({ open, requests }) => {
		const { log, witness } = open({ lastEventId: '' })
		await flushPromises()
		await announce(requests.last, anew)
		expect(log).toEqual(['connecting asked', 'open accepted'])
		expect(witness.starts).toBe(1)
		expect(requests.last.lastEventId).toBe(null)
	})

	test('is told before the first event', async ({ open, requests, clock }) => {
		const { link, log, witness } = open()
		link.slots.all.add(({ data }) => log.push(`${data} ${witness.starts}`))
		await flushPromises()
		await lose(requests.last)
		await clock.advance(250)
		await announce(requests.last, `${anew}id: 9\ndata: c\n\n`)
		expect(log.slice(-3)).toEqual(['open accepted', 'gap', 'c 2'])
	})

	// Nobody could read the header of another origin: the headers alone have opened it.
	test('is told also by a stream whose header cannot be read', async ({
		open,
		requests,
		clock
	}) => {
		const { log, witness } = open()
		await flushPromises()
		await lose(requests.last)
		await clock.advance(250)
		await requests.last.answer()
		expect(witness.last).toMatchObject({ status: 'open', resumed: undefined })
		await requests.last.write(anew)
		expect(log.slice(-2)).toEqual(['open accepted', 'gap'])
		expect(witness.starts).toBe(2)
	})

	test('is believed of a foreign stream that was given its id: that is what the standard is for', async ({
		open,
		requests,
		clock
	}) => {
		const { log, witness } = open()
		await flushPromises()
		await requests.last.answer('id: 7\ndata: a\n\n')
		await requests.last.end()
		await clock.advance(500)
		await requests.last.answer('id: 8\ndata: b\n\n')
		expect(requests.last.lastEventId).toBe('7')
		expect(witness.starts).toBe(1)
		expect(log).not.toContain('gap')
	})

	test('is not so for a foreign stream without an id, which starts over with its first event', async ({
		open,
		requests,
		clock
	}) => {
		const { witness } = open()
		await flushPromises()
		await requests.last.answer('data: a\n\n')
		await requests.last.fail()
		await clock.advance(250)
		await requests.last.answer()
		expect(witness.starts).toBe(1)
		await requests.last.write('data: a\n\ndata: b\n\n')
		expect(witness.starts).toBe(2)
	})

	test('is not so for a foreign stream whose id could not be sent', async ({
		open,
		requests,
		clock
	}) => {
		const { witness } = open()
		await flushPromises()
		await requests.last.answer(`id: ${'x'.repeat(5_000)}\ndata: a\n\n`)
		await requests.last.end()
		await clock.advance(500)
		await requests.last.answer('data: a\n\n')
		expect(requests.last.lastEventId).toBe(null)
		expect(witness.starts).toBe(2)
	})

	test('is said once: a second first frame says nothing', async ({ open, requests, clock }) => {
		const { log, witness } = open()
		await flushPromises()
		await lose(requests.last)
		await clock.advance(250)
		await announce(requests.last, `${resumed}${anew}`)
		expect(log.at(-1)).toBe('open accepted')
		expect(witness.starts).toBe(1)
	})
})

describe('a member that joins', () => {
	test('a link at rest has missed nothing, and goes on from its own id', async ({
		open,
		requests
	}) => {
		const { link, witness } = open({ lastEventId: '7' })
		await flushPromises()
		await announce(requests.last, `${resumed}id: 8\ndata: a\n\n`)
		link.leave(witness)
		expect(link.join(witness, '5')).toBe(false)
		link.want()
		await flushPromises()
		expect(requests.last.lastEventId).toBe('5')
	})

	test('a link that is up has missed what came behind its own id', async ({ open, requests }) => {
		const { link } = open()
		await flushPromises()
		await announce(requests.last, `${anew}id: 8\ndata: a\n\n`)
		const later = new Witness()
		const missed = ['8', '7', undefined].map((id) => {
			const hasMissed = link.join(later, id)
			link.leave(later)
			return hasMissed
		})
		expect(missed).toEqual([false, true, false])
		expect(link.lastEventId).toBe('8')
	})

	test('hears of a later start, and of no earlier one', async ({ open, requests, clock }) => {
		const { link, witness } = open()
		await flushPromises()
		await announce(requests.last, anew)
		const later = new Witness()
		link.join(later, undefined)
		await requests.last.end()
		await clock.advance(250)
		await announce(requests.last, anew)
		expect([witness.starts, later.starts]).toEqual([2, 1])
		link.leave(later)
	})
})
