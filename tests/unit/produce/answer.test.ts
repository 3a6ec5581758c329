import { error, redirect } from '@sveltejs/kit'
import { describe, expect } from 'vitest'
import { Hub } from '../../../src/lib/hub/hub.js'
import { produce } from '../../../src/lib/produce/produce.js'
import type { Start } from '../../../src/lib/produce/types.js'
import { flushPromises } from '../../../src/lib/testing/flush-promises.js'
import { StreamLog } from '../../support/stream-log.js'
import { test } from './fixture.js'

// `error(401)` in `start` used to make a stream that failed, came back, and failed again.
describe('what `error()` and `redirect()` throw in `start` at once', () => {
	const answers: [string, () => never, object, string][] = [
		['error(401)', () => error(401, 'Sign in first'), { status: 401 }, 'denied'],
		['error(503)', () => error(503, 'Later'), { status: 503 }, 'error'],
		['redirect(303)', () => redirect(303, '/login'), { status: 303, location: '/login' }, 'error']
	]
	for (const [name, answer, thrown, reason] of answers) {
		test(`is SvelteKit's to answer with: ${name}`, ({ clock }) => {
			const stops: string[] = []
			const reported: unknown[] = []
			const run = () =>
				produce(answer, { stop: (_, why) => void stops.push(why), error: (e) => reported.push(e) })
			expect(thrownBy(run)).toMatchObject(thrown)
			// What `start` had begun is undone, nothing went wrong, and nothing is left behind.
			expect([stops, reported, clock.timers]).toEqual([[reason], [], 0])
		})

		test(`is SvelteKit's to answer with in a hub's stream: ${name}`, async () => {
			const hub = new Hub()
			const request = new Request('http://test', { method: 'POST' })
			expect(thrownBy(() => hub.stream('a', { request, start: answer }))).toMatchObject(thrown)
			expect(hub.connections()).toBe(0)
			await hub.close()
		})
	}

	test('is told from a failure that has a status too', async ({ open }) => {
		const failure = Object.assign(new Error('from a client of some API'), {
			status: 401,
			body: { message: 'no' }
		})
		const { response, errors, stops } = open({}, () => {
			throw failure
		})
		expect((await new StreamLog(response).ended).at(-1)).toEqual({ close: 'error' })
		expect([errors, stops]).toEqual([[failure], [['stop', 'error']]])
	})
})

describe('what they throw when the response has begun', () => {
	const late: [string, () => never, string][] = [
		['error(403)', () => error(403, 'Not yours'), 'denied'],
		['error(404)', () => error(404, 'Gone'), 'denied'],
		['error(429)', () => error(429, 'Slowly'), 'error'],
		['error(500)', () => error(500, 'Broken'), 'error'],
		['redirect(303)', () => redirect(303, '/login'), 'error']
	]
	for (const [name, answer, reason] of late)
		test(`ends the stream with ${reason}, and says where it belongs: ${name}`, async ({ open }) => {
			const { response, errors, stops } = open({}, async () => {
				await flushPromises()
				answer()
			})
			expect((await new StreamLog(response).ended).at(-1)).toEqual({ close: reason })
			expect(stops).toEqual([['stop', reason]])
			expect(errors).toMatchObject([
				{
					message: expect.stringMatching(/Call error\(\) or redirect\(\) before produce\(\)/),
					cause: { status: expect.any(Number) }
				}
			])
		})

	// An async function or generator throws nothing: what comes of it is read when the response is there.
	const starts: [string, Start][] = [
		['an async function', async () => error(401, 'Sign in first')],
		[
			'an async generator',
			async function* () {
				yield error(401, 'Sign in first')
			}
		],
		['a promise', () => Promise.reject(thrownBy(() => error(401, 'Sign in first')))]
	]
	for (const [name, start] of starts)
		test(`comes too late in ${name}, although it is thrown at once`, async ({ open }) => {
			const { response, errors, stops } = open({}, start)
			expect((await new StreamLog(response).ended).at(-1)).toEqual({ close: 'denied' })
			expect(stops).toEqual([['stop', 'denied']])
			expect(errors).toMatchObject([
				{ message: expect.stringMatching(/`start` that is neither async nor a generator/) }
			])
		})

	test('is nobody’s business once the client has left', async ({ open }) => {
		const { response, errors, stops, connection } = open({}, async ({ signal }) => {
			await new Promise((resolve) => signal.addEventListener('abort', resolve))
			error(401, 'Sign in first')
		})
		await response.body!.cancel()
		await flushPromises()
		expect([errors, stops, connection.signal.aborted]).toEqual([[], [['stop', 'gone']], true])
	})
})

function thrownBy(run: () => unknown): unknown {
	try {
		run()
	} catch (thrown) {
		return thrown
	}
	throw new Error('nothing was thrown')
}
