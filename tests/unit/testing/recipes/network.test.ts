import { flushPromises, manualClock, mockSource, restoreAll } from 'sveltekit-sse/testing'
import { afterEach, expect, test } from 'vitest'
import { feed } from './feed.js'

afterEach(restoreAll)

test('comes back after a lost connection and a server that is down', async () => {
	const clock = manualClock()
	const connection = mockSource(feed)
	connection.connect()
	await flushPromises()
	await connection.drop()
	expect(connection.status).toBe('reconnecting')
	connection.respond(503)
	await clock.advance(connection.retryAt!)
	expect(connection.error?.status).toBe(503)
	await clock.advance(connection.retryAt!)
	expect(connection.status).toBe('open')
})
