import { createServer, Server } from 'node:http'
import { afterEach, expect, test, vi } from 'vitest'
import { gatherIdleChecks } from '../../../src/lib/produce/idle-connections.js'
import { manualClock } from '../../../src/lib/testing/manual-clock.js'

afterEach(() => void vi.restoreAllMocks())

// Each look goes through all connections: ten thousand looks at ten thousand took half a minute.
test('a dying process looks for idle connections once for many requests that end together', async () => {
	using clock = manualClock()
	const looked: Server[] = []
	vi.spyOn(Server.prototype, 'closeIdleConnections').mockImplementation(function (this: Server) {
		looked.push(this)
	})
	const [one, other] = [createServer(), createServer()]
	const restore = gatherIdleChecks(process)
	for (let request = 0; request < 10_000; request++) one.closeIdleConnections()
	other.closeIdleConnections()
	expect(looked).toEqual([])
	await clock.advance(10)
	expect(looked).toEqual([one, other])
	one.closeIdleConnections()
	await clock.advance(10)
	expect(looked).toEqual([one, other, one])

	restore()
	other.closeIdleConnections()
	expect(looked).toEqual([one, other, one, other])
})
