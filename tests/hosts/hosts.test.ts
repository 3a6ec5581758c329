import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missingRegistry } from '../../scripts/registry.mjs'
import type { Server } from '../support/app.js'
import { startRedis } from '../support/servers.js'
import { missingTools, titled } from '../support/tools.js'
import { ask, Client } from './client.js'
import { Builds, bunHosts, express, hosts, type Host } from './hosts.js'

const missing = await missingRegistry()
const missingRedis = await missingTools('redis-server')

/** Milliseconds: short, so that a quiet stream need not be watched for long. */
const ping = 200
/** Longer than a test takes: what ends before has not been waited for. In seconds. */
const never = '3600'

describe.skipIf(missing)(titled('hosts', missing), () => {
	let builds: Builds
	beforeAll(async () => {
		builds = await Builds.make()
	})
	afterAll(() => builds?.[Symbol.asyncDispose]())

	/** Starts a host, and says where it is. */
	async function serve(host: Host, variables?: NodeJS.ProcessEnv) {
		const server = await builds.serve(host, variables)
		return { ...server, url: `http://127.0.0.1:${server.port}` }
	}

	describe.each(hosts)('$name', (host) => {
		let server: Server
		let url: string
		beforeAll(async () => {
			server = await serve(host)
			url = server.url
			const { node, bun, deno } = await ask<Record<string, string>>(url, 'versions')
			console.log(`${host.name}: ${JSON.stringify({ node, bun, deno })}`)
		})
		afterAll(() => server?.stop())

		test('the first bytes arrive at once, and each event when it is emitted', async () => {
			const client = await Client.open(url, 'stream', { ping: 30_000 })
			await client.sees(':sveltekit-sse/1 hello ping=30000\n\n')
			for (const text of ['one', 'two']) {
				expect(await client.ask('emit', { text })).toEqual({ error: false })
				await client.sees(`data: ${text}\n`)
			}
			await client.ask('close')
			await client.ends()
			expect([client.end, client.text.split('\n\n')]).toEqual([
				'whole',
				[
					':sveltekit-sse/1 hello ping=30000',
					'event: message\ndata: one',
					'event: message\ndata: two',
					':sveltekit-sse/1 close done',
					''
				]
			])
		})

		const ways = [{ withRequest: true }, { withRequest: false }]
		test.for(ways)('a client that leaves is noticed, and stop runs once: %o', async (way) => {
			// No heartbeat, whose failing would be a sign too.
			const client = await Client.open(url, 'stream', { ...way, ping: false })
			await client.sees('hello')
			client.leave()
			const both = ['option: gone', 'returned: gone']
			expect(await client.stops()).toEqual(both)
			// A stream later, nothing has run again.
			const next = await Client.open(url, 'stream', { ping })
			await next.beats(2)
			next.leave()
			expect(await next.stops()).toEqual(both)
			expect(await client.stops()).toEqual(both)
		})

		test('a quiet stream has its heartbeats', async () => {
			const client = await Client.open(url, 'stream', { ping })
			await client.beats(4)
			client.leave()
		})

		test('a hub passes an event of one request to the streams of two others', async () => {
			const [one, two] = await Promise.all([Client.open(url, 'hub'), Client.open(url, 'hub')])
			expect(await ask(url, 'publish', '', { text: 'to both' })).toEqual({ error: false })
			await Promise.all([one.sees('data: to both\n'), two.sees('data: to both\n')])
			one.leave()
			two.leave()
		})

		test('1,000 streams at a time each have an event, and all end', async () => {
			const clients = await open(url, 1_000)
			await ask(url, 'publish', '', { text: 'to all' })
			await Promise.all(clients.map((client) => client.sees('data: to all\n')))
			await ask(url, 'drain')
			expect(await endings(clients)).toEqual({ 'whole, with restart': 1_000 })
		})

		test.skipIf(missingRedis)(
			titled('a hub on Redis passes an event on to another process', missingRedis),
			async () => {
				await using redis = await startRedis()
				const variables = { REDIS_URL: redis.url }
				await using here = await serve(host, variables)
				await using there = await serve(host, variables)
				const clients = await Promise.all([
					Client.open(here.url, 'hub'),
					Client.open(there.url, 'hub')
				])
				// The position in the log from which it is live.
				await Promise.all(clients.map((client) => client.sees('\nid: ')))
				expect(await ask(here.url, 'publish', '', { text: 'to both' })).toEqual({ error: false })
				await Promise.all(clients.map((client) => client.sees('data: to both\n')))
				if ('by' in host.exit) {
					expect(await Promise.all([here.stop(), there.stop()])).toEqual([
						host.exit.by,
						host.exit.by
					])
					expect(await endings(clients)).toEqual({ 'whole, with restart': 2 })
				}
			}
		)

		const unasked = 'otherwise' in host.exit ? host.exit.otherwise : undefined
		// svelte-adapter-bun closes all connections in a listener of its own, right after ours: one of them was cut.
		test.skipIf(unasked).for([1, 200])(
			titled('SIGTERM: streams end with restart, the process exits, with %i open', unasked),
			async (count) => {
				await using ending = await serve(host, { SHUTDOWN_TIMEOUT: never })
				const clients = await open(ending.url, count)
				expect(await ending.stop()).toBe('by' in host.exit && host.exit.by)
				expect(await endings(clients)).toEqual({ 'whole, with restart': count })
			}
		)
	})

	describe.concurrent('Bun, which closes connections that are silent for 10 s', () => {
		test.for(bunHosts)('keeps a stream with the default ping open on $name', async (host) => {
			await using server = await serve(host)
			const client = await Client.open(server.url, 'stream')
			await client.sees('hello ping=8000')
			// 16 s.
			await client.beats(2)
			client.leave()
		})

		const [onNode, adapter, plain] = bunHosts as [Host, Host, Host]

		test('closes one without heartbeats on svelte-adapter-bun, later if IDLE_TIMEOUT says so', async () => {
			await using usual = await serve(adapter)
			await using patient = await serve(adapter, { IDLE_TIMEOUT: '60' })
			await closesOnlyFirst(usual.url, patient.url)
		})

		test('closes one without heartbeats on Bun.serve, but not on adapter-node', async () => {
			await using limited = await serve(plain)
			await using free = await serve(onNode)
			await closesOnlyFirst(limited.url, free.url)
		})
	})

	describe.concurrent('SIGTERM: a client that does not read', () => {
		for (const host of hosts) {
			const { exit } = host
			const reason = 'otherwise' in exit ? exit.otherwise : host.heldUp
			const title = titled(`does not keep ${host.name} from its end`, reason)
			test.skipIf(reason)(title, async () => {
				await using server = await serve(host, { SHUTDOWN_TIMEOUT: never })
				const socket = await stall(server.url)
				expect(await server.stop()).toBe('by' in exit && exit.by)
				socket.destroy()
			})
		}
	})

	test(`${express.name}: a stream stays open, and a client that leaves is noticed`, async () => {
		await using server = await serve(express)
		const client = await Client.open(server.url, 'stream', { ping, withRequest: true })
		await client.beats(4)
		client.leave()
		expect(await client.stops()).toEqual(['option: gone', 'returned: gone'])
	})
})

/** Opens a stream without heartbeats on each, and waits until the first host closes its one. */
async function closesOnlyFirst(first: string, second: string): Promise<void> {
	const kept = await Client.open(second, 'stream', { ping: false })
	const closed = await Client.open(first, 'stream', { ping: false })
	await closed.ends()
	expect(closed.end).toBe('broken')
	expect(await closed.stops()).toEqual(['option: gone', 'returned: gone'])
	await kept.ask('emit', { text: 'still here' })
	await kept.sees('still here')
	kept.leave()
}

/** Makes a client to which more is sent than the system takes, and which has not read it. */
async function stall(url: string): Promise<Socket> {
	const { host, hostname, port } = new URL(url)
	const socket = connect({ port: Number(port), host: hostname })
	socket.on('error', () => {})
	const path = `/stream?options=${encodeURIComponent('{"flood":12000000}')}`
	const headers = `Host: ${host}\r\nContent-Type: application/json\r\nContent-Length: 2`
	socket.write(`POST ${path} HTTP/1.1\r\n${headers}\r\n\r\n{}`)
	await once(socket, 'readable')
	return socket
}

/** Opens so many streams of the hub. */
async function open(url: string, count: number): Promise<Client[]> {
	const clients = await Promise.all(
		Array.from({ length: count }, () => Client.open(url, 'hub', { ping: 30_000 }))
	)
	await Promise.all(clients.map((client) => client.sees('hello')))
	return clients
}

/** How many responses ended in which way. */
async function endings(clients: Client[]): Promise<Record<string, number>> {
	await Promise.all(clients.map((client) => client.ends()))
	const ways = clients.map(({ end, text }) => {
		const last = /:sveltekit-sse\/1 close (\w+)\n\n$/.exec(text)?.[1]
		return `${end}, with ${last ?? 'no goodbye'}`
	})
	return Object.fromEntries(
		[...Map.groupBy(ways, (way) => way)].map(([way, all]) => [way, all.length])
	)
}
