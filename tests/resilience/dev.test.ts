import { describe, expect, test } from 'vitest'
import { StreamLog } from '../support/stream-log.js'
import { startViteDev, type ViteDev } from './dev/vite-dev.js'

async function clients(server: ViteDev): Promise<StreamLog[]> {
	const logs = await Promise.all(
		Array.from({ length: 3 }, async () => {
			const response = await fetch(`${server.url}/clock/events`, { method: 'POST' })
			return new StreamLog(response)
		})
	)
	await Promise.all(logs.map((log) => log.count(1)))
	return logs
}

describe('vite dev with open streams', { timeout: 240_000 }, () => {
	test('dies of SIGINT as without them, and tells the clients to come back', async () => {
		await using server = await startViteDev()
		const logs = await clients(server)
		server.kill('SIGINT')
		expect(await server.exit).toEqual({ code: null, signal: 'SIGINT' })
		for (const log of logs) {
			const retry: unknown = expect.any(Number)
			expect((await log.ended).slice(-2)).toEqual([{ retry }, { close: 'restart' }])
		}
	})

	test('ends by SIGTERM as without them; Vite itself cuts the connections', async () => {
		await using server = await startViteDev()
		const logs = await clients(server)
		server.kill('SIGTERM')
		expect(await server.exit).toEqual({ code: 128 + 15, signal: null })
		for (const log of logs) expect((await log.ended).at(-1)).toEqual({ cut: true })
	})
})
