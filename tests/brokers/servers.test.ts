import { existsSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { startNats, startPostgres, startRedis, type ServerProcess } from '../support/servers.js'
import { missingTools, titled, type ToolName } from '../support/tools.js'

interface Kind {
	tool: ToolName
	start: () => Promise<ServerProcess>
	url: RegExp
}

const kinds: Kind[] = [
	{ tool: 'redis-server', start: startRedis, url: /^redis:\/\/127\.0\.0\.1:\d+$/ },
	{ tool: 'nats-server', start: startNats, url: /^nats:\/\/127\.0\.0\.1:\d+$/ },
	{ tool: 'postgres', start: startPostgres, url: /^postgres:\/\/postgres@127\.0\.0\.1:\d+\// }
]

for (const { tool, start, url } of kinds) {
	const missing = await missingTools(tool)
	describe.skipIf(missing)(titled(tool, missing), { timeout: 60_000 }, () => {
		test('starts, freezes, stops, is killed, restarts on its port, leaves nothing', async () => {
			const server = await start()
			expect(server.url).toMatch(url)
			const { port, pid } = server

			await server.pause()
			const held = await open(port)
			server.resume()
			held.destroy()
			await server.restart()
			expect(server.port).toBe(port)
			expect(server.pid).not.toBe(pid)

			await server.kill()
			expect(server.running).toBe(false)
			await expect(open(port)).rejects.toThrow('ECONNREFUSED')
			await server.start()
			;(await open(port)).destroy()
			await server.restart('kill')

			await server.close()
			expect(existsSync(server.dir)).toBe(false)
			await expect(open(port)).rejects.toThrow('ECONNREFUSED')
		})
	})
}

const noRedis = await missingTools('redis-server')

describe.skipIf(noRedis)(titled('a server that does not come up', noRedis), () => {
	test('rejects with its log and leaves nothing behind', async () => {
		await expect(startRedis({ args: ['--no-such-setting', '1'] })).rejects.toThrow(
			/redis on port \d+ ended while it started[^]*Bad directive/
		)
	})
})

describe.skipIf(noRedis)(titled('redis in cluster mode', noRedis), { timeout: 30_000 }, () => {
	test('serves all slots with one node', async () => {
		await using server = await startRedis({ cluster: 'alone' })
		const socket = await open(server.port)
		socket.write('SET key value\r\n')
		const [answer] = await once(socket, 'data')
		socket.destroy()
		expect(String(answer)).toBe('+OK\r\n')
	})
})

async function open(port: number): Promise<Socket> {
	const socket = connect({ port, host: '127.0.0.1' })
	await once(socket, 'connect')
	socket.on('error', () => {})
	return socket
}
