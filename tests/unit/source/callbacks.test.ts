import { describe, expect } from 'vitest'
import { flushPromises } from '../../../src/lib/testing/flush-promises.js'
import type { SourceEvent } from '../../../src/lib/source/options.js'
import { source } from '../../../src/lib/source/source.js'
import { listen, test } from './fixture.js'

describe('the callbacks', () => {
	test('hear of an opening and of an end, with the response', async ({ connect, requests }) => {
		const { connection, log, heard } = connect()
		connection.connect()
		await flushPromises()
		await requests.last.answer('data: a\n\n', { headers: { 'x-mine': '1' } })
		await requests.last.end()
		expect(log).toEqual(['open accepted', 'close complete'])
		for (const event of heard) {
			expect(event).toMatchObject({ status: 200, id: '', data: '', error: undefined })
			expect(event.headers.get('x-mine')).toBe('1')
			expect(event.response?.headers.get('x-mine')).toBe('1')
		}
	})

	test('hear of each loss once, a failed first connect included', async ({
		connect,
		requests,
		clock
	}) => {
		const { connection, log } = connect({ reconnect: { attempts: 2 } })
		connection.connect()
		await flushPromises()
		await requests.last.fail()
		await clock.advance(250)
		await requests.last.hello()
		await requests.last.end()
		await clock.advance(500)
		await requests.last.refuse(500)
		// The attempts in between used to tell the old error again.
		expect(log).toEqual([
			'error network !network again in 250',
			'close network !network again in 250',
			'open accepted',
			'error cut !cut again in 500',
			'close cut !cut again in 500',
			'error refused !response',
			'close refused !response'
		])
	})

	test('are told the truth about a final refusal', async ({ connect, requests }) => {
		const { connection, heard, log } = connect()
		connection.connect()
		await flushPromises()
		await requests.last.refuse(404, 'no such page')
		expect(log).toEqual(['error refused !response', 'close refused !response'])
		expect(heard[0]).toMatchObject({ status: 404, willReconnect: false, isLocal: false })
		expect(connection).toMatchObject({
			status: 'closed',
			error: { status: 404, body: 'no such page' }
		})
	})

	test('hear of close(), as local', async ({ connect, requests }) => {
		const { connection, log } = connect()
		connection.connect()
		await flushPromises()
		await requests.last.hello()
		connection.close()
		connection.close()
		expect(log).toEqual(['open accepted', 'close local (local)'])
	})

	test('hear of the final end of a link that they know to be lost', async ({
		connect,
		requests
	}) => {
		const { connection, log } = connect()
		connection.connect()
		await flushPromises()
		await requests.last.fail()
		connection.close()
		expect(log.at(-1)).toBe('close local (local)')
	})

	// The response ended without another byte after the browser had said that the network was gone.
	test('hear of a stream that completes while the network is in doubt', async ({
		connect,
		requests,
		page
	}) => {
		const { connection, log } = connect()
		connection.connect()
		await flushPromises()
		await requests.last.answer('data: a\n\n')
		await page.offline()
		await requests.last.end()
		expect(log).toEqual(['open accepted', 'close offline again in -1', 'close complete'])
	})

	test('hear of the last reader who left, and cannot hold the link by connect()', async ({
		connect,
		requests,
		clock
	}) => {
		const { connection, log } = connect({ close: ({ connect }) => connect() })
		const { stop } = listen(connection.select('message'))
		await flushPromises()
		await requests.last.hello()
		stop()
		await clock.advance(100)
		expect(log).toEqual(['open accepted', 'close unused (local)'])
		expect(connection.status).toBe('idle')
		expect(requests.active).toEqual([])
	})

	// 0.14 gave a promise.
	for (const [shape, callback] of [
		['close', 'close'],
		['onclose', 'onclose']
	] as const)
		test(`may await connect() in an async \`${shape}\``, async ({
			requests,
			clock,
			onTestFinished
		}) => {
			const steps: unknown[] = []
			const connection = source('/events', {
				fetch: requests.fetch,
				reconnect: false,
				[callback]: async ({ connect, reason }: SourceEvent) => {
					steps.push(reason, await connect())
				}
			})
			onTestFinished(() => connection.close())
			connection.connect()
			await flushPromises()
			await requests.last.hello()
			await requests.last.end()
			await clock.advance(500)
			await requests.last.hello()
			expect(steps).toEqual(['cut', undefined])
			expect(connection.status).toBe('open')
		})

	test('of both older shapes are all called', async ({ requests, connect }) => {
		const calls: string[] = []
		const say = (name: string) => () => void calls.push(name)
		const { connection } = connect({
			open: say('open'),
			close: say('close'),
			error: say('error'),
			message: say('message'),
			onmessage: say('onmessage'),
			options: {
				onopen: say('nested open'),
				onclose: say('nested close'),
				onerror: say('nested error'),
				onmessage: say('nested message')
			}
		})
		connection.connect()
		await flushPromises()
		await requests.last.hello(30_000, 'data: a\n\n')
		await requests.last.end()
		expect(calls).toEqual([
			'open',
			'nested open',
			'message',
			'onmessage',
			'nested message',
			'error',
			'nested error',
			'close',
			'nested close'
		])
	})

	test('hear every event by its name, with the last id up to then', async ({
		connect,
		requests
	}) => {
		const heard: Partial<SourceEvent>[] = []
		const { connection } = connect({
			message: ({ id, event, name, data }) => heard.push({ id, event, name, data })
		})
		connection.connect()
		await flushPromises()
		await requests.last.hello(30_000, 'data: a\n\nid: 1\nevent: tick\ndata: b\n\ndata: c\n\n')
		expect(heard).toEqual([
			{ id: '', event: 'message', name: 'message', data: 'a' },
			{ id: '1', event: 'tick', name: 'tick', data: 'b' },
			{ id: '1', event: 'message', name: 'message', data: 'c' }
		])
	})

	test('that throw do not stop what they hear of, nor one another', async ({
		connect,
		requests,
		reported,
		clock
	}) => {
		const throws = () => {
			throw new Error('mine')
		}
		const { connection, log } = connect({
			open: throws,
			close: throws,
			error: throws,
			message: throws,
			gap: throws
		})
		const { got } = listen(connection.select('message'))
		await flushPromises()
		await requests.last.hello(30_000, ': sveltekit-sse/1 gap\n\ndata: a\n\n')
		await requests.last.end()
		await clock.advance(250)
		expect(got).toEqual(['a'])
		expect(log).toEqual([
			'open accepted',
			'gap',
			'error cut !cut again in 250',
			'close cut !cut again in 250'
		])
		expect(requests.count).toBe(2)
		connection.close()
		expect(reported.splice(0)).toHaveLength(6)
	})

	test('may close the connection from anywhere', async ({ connect, requests, clock }) => {
		for (const name of ['open', 'message', 'error', 'close'] as const) {
			const { connection, log } = connect({ [name]: ({ close }: SourceEvent) => close() })
			connection.connect()
			await flushPromises()
			await requests.last.hello(30_000, 'data: a\n\ndata: b\n\n')
			await requests.last.end()
			await clock.advance(60_000)
			expect(connection.status, `closed in ${name}`).toBe('closed')
			expect(log, `closed in ${name}`).toContain('close local (local)')
			expect(requests.active).toEqual([])
		}
		expect(requests.count).toBe(4)
	})
})

describe('connect() in a close handler', () => {
	for (const how of ['event', 'handle'] as const)
		test(`by the ${how} goes through the back-off`, async ({
			connect,
			requests,
			clock,
			chance
		}) => {
			chance.value = 0.999
			requests.serve = (call) => void call.refuse(404)
			const { connection } = connect({
				close: (event) => (how === 'event' ? event : connection).connect()
			})
			connection.connect()
			await clock.advance(60_000)
			expect(requests.count).toBe(7)
			connection.close()
		})

	// Forgetting all losses, `close()` used to be a way around the back-off.
	test('after close() goes through the back-off', async ({ connect, requests, clock, chance }) => {
		chance.value = 0.999
		requests.serve = (call) => void call.fail()
		let isOn = true
		const { connection } = connect({
			close({ isLocal }) {
				if (isLocal || !isOn) return
				connection.close()
				connection.connect()
			}
		})
		connection.connect()
		await clock.advance(60_000)
		expect(requests.count).toBe(7)
		isOn = false
	})

	test('after close() is immediate', async ({ connect, requests }) => {
		let isOn = true
		const { connection, log } = connect({
			close({ connect, isLocal }) {
				if (isLocal && isOn) connect()
			}
		})
		connection.connect()
		await flushPromises()
		await requests.last.hello()
		connection.close()
		isOn = false
		await flushPromises()
		await requests.last.hello()
		expect(log).toEqual(['open accepted', 'close local (local)', 'open accepted'])
	})

	// Loops ended with the stream before, which had a successor already.
	for (const end of ['`done`', 'close()'])
		test(`after ${end} keeps loops going`, async ({ connect, requests, clock }) => {
			let isOn = true
			const { connection } = connect({ close: ({ connect }) => isOn && connect() })
			const next = connection.select('message').next()
			await flushPromises()
			await requests.last.hello()
			if (end === 'close()') connection.close()
			else await requests.last.goodbye('done')
			await clock.advance(1_000)
			await requests.last.hello(30_000, 'data: a\n\n')
			expect(await next).toBe('a')
			isOn = false
		})

	// It was called again by each answer, without end.
	test('does not recurse when the URL cannot be made', async ({
		connect,
		requests,
		clock,
		chance
	}) => {
		chance.value = 0.999
		let tries = 0
		const { connection, log } = connect({ close: ({ connect }) => connect() }, () => {
			tries++
			throw new Error('mine')
		})
		connection.connect()
		await clock.advance(60_000)
		expect(log.filter((entry) => entry.startsWith('close'))).toHaveLength(1)
		expect(tries).toBeLessThan(5)
		expect(requests.count).toBe(0)
		connection.close()
	})

	// A link that failed kept telling, as fast as promises go.
	test('a moment later is no storm either', async ({ connect, requests, clock }) => {
		requests.serve = (call) => void call.fail()
		let told = 0
		const { connection } = connect({
			async close({ isLocal }) {
				told++
				await undefined
				if (!isLocal) connection.connect()
			}
		})
		connection.connect()
		await clock.advance(10_000)
		expect(requests.count).toBeLessThanOrEqual(21)
		expect(told).toBe(1)
	})
})

describe('a reader that comes and goes with the status', () => {
	// `{#if status === 'reconnecting'}lost{:else}{channel.current}{/if}`
	test('is no storm', async ({ connect, requests, clock }) => {
		requests.serve = (call) => void call.fail()
		const { connection } = connect()
		const channel = connection.select('message')
		let stop: (() => void) | undefined
		for (let step = 0; step < 1_000; step++) {
			const wants = connection.status !== 'reconnecting'
			if (wants && !stop) stop = channel.subscribe(() => {})
			else if (!wants) stop = void stop?.()
			await clock.advance(10)
		}
		stop?.()
		expect(requests.count).toBeLessThanOrEqual(25)
	})
})
