import { describe, expect, test } from 'vitest'
import { Program } from '../../support/program.js'
import { StreamLog } from '../../support/stream-log.js'

const program = new URL('programs/server.ts', import.meta.url)

describe.for(['SIGTERM', 'SIGINT'] as const)('%s', (signal) => {
	test('ends the streams of a server, which then dies by it', async () => {
		await using server = new Program(program)
		const { url } = await server.next<{ url: string }>()
		const logs = await clients(url, 20)
		server.kill(signal)
		const retries = await Promise.all(logs.map(retryOf))
		expect(Math.max(...retries)).toBeLessThan(5_000)
		expect(new Set(retries).size).toBeGreaterThan(10)
		expect(await server.exit).toEqual({ code: null, signal })
		expect(server.errors).toBe('')
	})

	test('is left to a server that sees to it; streams of the time after are sent away', async () => {
		await using server = new Program(program, { env: { OWN: signal } })
		const { url } = await server.next<{ url: string }>()
		const logs = await clients(url, 3)
		server.kill(signal)
		await Promise.all(logs.map(retryOf))
		// Its own listener says so, and waits for the connections to end.
		expect(await server.next()).toEqual({ heard: signal })
		const [late] = await clients(url, 1)
		await retryOf(late!)
		expect(await (await fetch(`${url}/finish`)).text()).toBe('finished')
		expect(await server.exit).toEqual({ code: 7, signal: null })
		// Its listener heard the signal once.
		expect(server.rest).toEqual([])
		expect(server.errors).toBe('')
	})
})

test('SIGTERM kills a process whose streams have all ended before', async () => {
	await using server = new Program(program)
	const { url } = await server.next<{ url: string }>()
	const [log] = await clients(url, 1)
	log!.leave()
	await log!.ended
	server.kill('SIGTERM')
	expect(await server.exit).toEqual({ code: null, signal: 'SIGTERM' })
})

test('SIGTERM kills a process with a client that does not read', async () => {
	await using server = new Program(program)
	const { url } = await server.next<{ url: string }>()
	const response = await fetch(`${url}/flood`)
	server.kill('SIGTERM')
	expect(await server.exit).toEqual({ code: null, signal: 'SIGTERM' })
	await response.body!.cancel().catch(() => {})
})

test('SIGTERM given twice kills at once', async () => {
	// No time passes in it, so that it would wait for ever for the client that does not read.
	await using server = new Program(program, { env: { STILL: 'yes' } })
	const { url } = await server.next<{ url: string }>()
	const response = await fetch(`${url}/flood`)
	const [log] = await clients(url, 1)
	server.kill('SIGTERM')
	// By now it has heard the first, and lives.
	await retryOf(log!)
	server.kill('SIGTERM')
	expect(await server.exit).toEqual({ code: null, signal: 'SIGTERM' })
	await response.body!.cancel().catch(() => {})
})

describe('a process without a server', () => {
	const serverless = new URL('programs/serverless.ts', import.meta.url)
	// The hub is written with more of TypeScript than Node strips.
	const flags = ['--experimental-transform-types']

	test.for(['SIGTERM', 'SIGINT'] as const)('dies of %s, streams and all', async (signal) => {
		await using alone = new Program(serverless, { flags })
		expect(await alone.next()).toEqual({ ready: true })
		alone.kill(signal)
		expect(await alone.exit).toEqual({ code: null, signal })
		expect(alone.errors).toBe('')
	})

	test('that listens to SIGTERM itself lives on, as without us', async () => {
		await using alone = new Program(serverless, { flags, env: { OWN: 'yes' } })
		expect(await alone.next()).toEqual({ ready: true })
		for (let i = 0; i < 2; i++) {
			alone.kill('SIGTERM')
			expect(await alone.next()).toEqual({ heard: 'SIGTERM' })
		}
		alone.kill('SIGINT')
		expect(await alone.exit).toEqual({ code: null, signal: 'SIGINT' })
	})
})

/** The retry that a client is told, once its stream has ended with `restart`. */
async function retryOf(log: StreamLog): Promise<number> {
	const [hello, retry, close] = await log.ended
	expect([hello, close]).toEqual([{ hello: 30_000 }, { close: 'restart' }])
	return (retry as { retry: number }).retry
}

async function clients(url: string, count: number): Promise<StreamLog[]> {
	const logs = await Promise.all(
		Array.from({ length: count }, async () => new StreamLog(await fetch(url)))
	)
	await Promise.all(logs.map((log) => log.until(({ all }) => all.length > 0)))
	return logs
}

test('a stream that was made but never read holds no process', async () => {
	await using alone = new Program(new URL('programs/unread.ts', import.meta.url))
	expect(await alone.exit).toEqual({ code: 0, signal: null })
})
