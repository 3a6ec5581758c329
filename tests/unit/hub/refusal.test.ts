import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { environment } from '../../../src/lib/environment.js'
import { Hub } from '../../../src/lib/hub/index.js'
import { openStreams } from '../../../src/lib/produce/drain.js'
import { Reading } from '../../resilience/reading.js'
import { startHttpServer } from '../../support/http-server.js'

// Who may read what is decided before `stream` is called; here is what becomes of those who may not.

beforeAll(() => {
	environment.isClient = true
})
afterAll(() => {
	environment.isClient = false
})

/** A server that lets those in whose name is on the list, and only to what is theirs. */
async function serve(names: string[]) {
	const hub = new Hub()
	const server = await startHttpServer((request) => {
		const name = request.headers.get('authorization')
		const topic = new URL(request.url).pathname.slice(1)
		if (!name) return new Response('Sign in first.', { status: 401 })
		if (name !== topic || !names.includes(name)) return new Response('Not yours.', { status: 403 })
		return hub.stream(topic, { request, member: { id: name }, last: true })
	})
	onTestFinished(async () => {
		await hub.close()
		await server.kill()
	})
	return { hub, server }
}

const refusals: { who: string; headers: Record<string, string>; status: number; body: string }[] = [
	{ who: 'nobody', headers: {}, status: 401, body: 'Sign in first.' },
	{ who: 'somebody else', headers: { authorization: 'bob' }, status: 403, body: 'Not yours.' }
]

test.for(refusals)(
	'$who is given $status and nothing of the topic, and does not come again',
	async ({ headers, status, body }) => {
		const { hub, server } = await serve(['ann', 'bob'])
		const { value: lastEventId } = await hub.publish('ann', 'number', 1)
		const plain = await fetch(`${server.url}/ann`, { method: 'POST', headers })
		expect([plain.status, plain.headers.get('content-type'), await plain.text()]).toEqual([
			status,
			'text/plain;charset=UTF-8',
			body
		])
		for (const options of [{}, { lastEventId }]) {
			const before = server.requests
			using reading = new Reading(`${server.url}/ann`, {
				...options,
				headers,
				cache: false,
				reconnect: { min: 1, max: 1 }
			})
			await reading.until(({ handle }) => handle.status === 'closed')
			expect(reading.handle.error).toMatchObject({ code: 'response', status, body })
			await hub.publish('ann', 'number', 2)
			expect({
				requests: server.requests - before,
				retryAt: reading.handle.retryAt,
				log: reading.log,
				numbers: reading.numbers
			}).toEqual({ requests: 1, retryAt: undefined, log: ['closed refused'], numbers: [] })
		}
		expect([hub.connections(), openStreams(), await hub.presence('ann')]).toEqual([0, 0, []])
	}
)

test('who is sent away and refused from then on stays away, with what came before', async () => {
	const names = ['ann']
	const { hub, server } = await serve(names)
	using reading = new Reading(`${server.url}/ann`, {
		headers: { authorization: 'ann' },
		cache: false,
		reconnect: { min: 1, max: 1 }
	})
	await reading.following()
	await hub.publish('ann', 'number', 1)
	await reading.until(({ numbers }) => numbers.length === 1)
	names.pop()
	await hub.disconnect('ann', 'expired')
	await hub.publish('ann', 'number', 2)
	await reading.until(({ handle }) => handle.status === 'closed')
	expect(reading.handle.error).toMatchObject({ code: 'response', status: 403 })
	expect([reading.numbers, server.requests, hub.connections()]).toEqual([[1], 2, 0])
})
