import { cleanup, manualClock, mockSource, settled } from 'sveltekit-sse/testing'
import { afterEach, expect, test } from 'vitest'
import { feed } from './feed.js'

afterEach(cleanup)

test('comes back after a lost connection and a server that is down', async () => {
	const clock = manualClock()
	const connection = mockSource(feed)
	connection.connect()
	await settled()
	await connection.drop()
	expect(connection.status).toBe('reconnecting')
	connection.respond(503)
	await clock.advance(connection.retryAt!)
	expect(connection.error?.status).toBe(503)
	await clock.advance(connection.retryAt!)
	expect(connection.status).toBe('open')
})
