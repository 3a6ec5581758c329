import { expect, onTestFinished, test, vi } from 'vitest'
import { environment } from '../../../src/lib/environment.js'
import { Hub } from '../../../src/lib/hub/index.js'

/** As in workerd: a socket may be looked at only where it was made. What workerd itself does is in tests/compat/workers. */
function isolate() {
	const current = { request: 1 }
	environment.isolatesRequests = true
	vi.stubGlobal(
		'WebSocketPair',
		class {
			readonly 0 = {
				made: current.request,
				get readyState() {
					if (this.made !== current.request) throw new Error('different request')
					return 1
				}
			}
			constructor() {
				if (current.request === 0) throw new Error('global scope')
			}
		}
	)
	onTestFinished(() => {
		environment.isolatesRequests = false
		vi.unstubAllGlobals()
	})
	return current
}

const request = new Request('http://localhost/', { method: 'POST' })
const misplaced = expect.objectContaining({
	code: 'invalid-argument',
	message: expect.stringContaining('Durable Object')
})

test('where requests share nothing, a hub works in the one that made it', async () => {
	isolate()
	const hub = new Hub()
	onTestFinished(() => hub.close())
	const response = hub.stream('room', { request })
	expect(await hub.publish('room', 'say', 'x')).toMatchObject({ error: false })
	await response.body!.cancel()
})

test('where requests share nothing, a hub refuses others, and says where it belongs', async () => {
	const current = isolate()
	const hub = new Hub()
	onTestFinished(() => hub.close())
	current.request = 2
	expect(() => hub.stream('room', { request })).toThrow(misplaced)
	expect(() => hub.subscribe('room')[Symbol.asyncIterator]()).toThrow(misplaced)
	for (const written of [hub.publish('room', 'say', 'x'), hub.disconnect('room')])
		expect(await written).toEqual({ value: '', error: misplaced })
	for (const asked of [hub.cursor(), hub.presence('room')])
		await expect(asked).rejects.toEqual(misplaced)
	expect(hub.connections()).toBe(0)
})

test('where requests share nothing, a hub outside of any is refused', () => {
	isolate().request = 0
	expect(() => new Hub()).toThrow(misplaced)
})
