import { describe, expect } from 'vitest'
import { flushPromises } from '../../../src/lib/testing/flush-promises.js'
import { test } from './fixture.js'

describe('the watchdog', () => {
	test('follows the announced ping: 2.5 intervals of silence', async ({
		open,
		requests,
		clock
	}) => {
		const { log } = open()
		await flushPromises()
		await requests.last.hello(1_000)
		await clock.advance(2_499)
		await requests.last.write(':\n\n')
		await clock.advance(2_499)
		expect(log.at(-1)).toBe('open accepted')
		await clock.advance(1)
		expect(log.at(-1)).toBe('reconnecting silent !silent in 250')
		expect(requests.active).toEqual([])
	})

	test('does not watch a server that sends no heartbeat', async ({ open, requests, clock }) => {
		const { log } = open()
		await flushPromises()
		await requests.last.hello(0)
		await clock.advance(86_400_000)
		expect(log.at(-1)).toBe('open accepted')
		expect(clock.timers).toBe(0)
	})

	test('can be set by the user, for foreign streams too', async ({ open, requests, clock }) => {
		const { log } = open({ watchdog: 700 })
		await flushPromises()
		await requests.last.answer('data: a\n\n')
		await clock.advance(699)
		expect(log.at(-1)).toBe('open accepted')
		await clock.advance(1)
		expect(log.at(-1)).toBe('reconnecting silent !silent in 250')
	})

	test('can be turned off', async ({ open, requests, clock }) => {
		const { log } = open({ watchdog: false })
		await flushPromises()
		await requests.last.hello(1_000)
		await clock.advance(86_400_000)
		expect(log.at(-1)).toBe('open accepted')
	})

	test('starts with the headers, also when the first frame never comes', async ({
		open,
		requests,
		clock
	}) => {
		const { log } = open({ watchdog: 700 })
		await flushPromises()
		await requests.last.answer('')
		await clock.advance(700)
		expect(log.at(-1)).toBe('reconnecting silent !silent in 250')
	})
})
