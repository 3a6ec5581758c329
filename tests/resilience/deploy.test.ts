import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { describe, expect, test as base } from 'vitest'
import { Program } from '../support/program.js'
import type { ServerProcess } from '../support/servers/server-process.js'
import { startAdapterNode } from './deploy/adapter-node.js'

/** Milliseconds over which `drain()` spreads the clients when it is told nothing else. */
const within = 5_000

interface Fixtures {
	/** Serves numbers, one every so many milliseconds. */
	serve(interval: number): Promise<ServerProcess>
	/** Runs clients in a process of their own. */
	run(file: string, server: ServerProcess, count: number): Program
}

const test = base.extend<Fixtures>({
	// eslint-disable-next-line no-empty-pattern -- Vitest reads from it what the fixture needs
	serve: async ({}, use) => {
		await using stack = new AsyncDisposableStack()
		await use(async (interval) => stack.use(await startAdapterNode(interval)))
	},
	// eslint-disable-next-line no-empty-pattern -- as above
	run: async ({}, use) => {
		await using stack = new AsyncDisposableStack()
		await use((file, { port }, count) => {
			const env = { PORT: String(port), COUNT: String(count) }
			return stack.use(new Program(new URL(`deploy/${file}`, import.meta.url), { env }))
		})
	}
})

/** How many of the values lie in each part of the range from 0 to `most`. */
function histogram(values: number[], most: number, parts: number): number[] {
	const sums = Array.from({ length: parts }, () => 0)
	for (const value of values) sums[Math.min(parts - 1, Math.floor((value / most) * parts))]!++
	return sums
}

/** Each part is a tenth of all, give or take six standard deviations. */
function expectEven(parts: number[], all: number): void {
	for (const part of parts) {
		expect(Math.abs(part - all / 10)).toBeLessThan(6 * Math.sqrt(all * 0.1 * 0.9))
	}
}

/** Told to end, and not helped: what keeps it alive keeps the test waiting. */
async function terminate(server: ServerProcess): Promise<void> {
	process.kill(server.pid!, 'SIGTERM')
	await expect.poll(() => server.running, { timeout: 60_000 }).toBe(false)
}

describe('adapter-node on SIGTERM', () => {
	const count = 10_000

	test(`ends ${count} streams with a retry for each, and exits`, async ({ serve, run }) => {
		const server = await serve(3_600_000)
		const crowd = run('crowd.ts', server, count)
		expect(await crowd.next()).toEqual({ open: count })
		const toldAt = performance.now()
		const [ends] = await Promise.all([crowd.next<Record<string, unknown>>(), terminate(server)])
		const took = performance.now() - toldAt
		console.log(`${count} streams: exit after ${took.toFixed()} ms ${JSON.stringify(ends)}`)
		expect(ends).toMatchObject({ ended: count, restarted: count })
		expectEven(ends.tenths as number[], count)
	}, 240_000)
})

// A client that a busy machine keeps from reading for four seconds is one that does not read.
const tries = { retry: 3, timeout: 120_000 }

test(
	'adapter-node exits although a client does not read; one that does has all of it',
	tries,
	async ({ serve }) => {
		const server = await serve(3_600_000)
		const [stalled, late] = await Promise.all([flooded(server.port), flooded(server.port)])
		const closed = once(stalled, 'close')
		const toldAt = performance.now()
		const stopped = terminate(server)
		let last = ''
		for await (const bytes of late) last = (last + bytes).slice(-200)
		expect(last).toContain(' close restart')
		await stopped
		const took = performance.now() - toldAt
		console.log(`a client that does not read: exit after ${took.toFixed()} ms`)
		stalled.destroy()
		await closed
	}
)

/** A client to which more is sent than the kernel takes, and which has not read it. */
async function flooded(port: number): Promise<Socket> {
	const socket = connect({ port, host: '127.0.0.1' })
	socket.on('error', () => {})
	socket.write('POST /flood HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n')
	await once(socket, 'readable')
	return socket
}

describe('a herd on a server that is restarted', () => {
	const count = 2_000

	test(`of ${count} clients comes back spread over time, and none misses a number`, async ({
		serve,
		run
	}) => {
		const server = await serve(1_000)
		const herd = run('herd.ts', server, count)
		expect(await herd.next()).toEqual({ open: count })
		await terminate(server)
		await server.start()
		const { delays, openAgain, ...sums } = await herd.next<{
			delays: number[]
			openAgain: number[]
		}>()
		// The server's part, and up to half a second of the client's own.
		const waited = histogram(delays, within + 500, 11)
		const report = {
			clients: count,
			within,
			waited,
			openAgain: histogram(openAgain, 2 * within, 20),
			latest: Math.max(...openAgain),
			...sums
		}
		console.log(`herd: ${JSON.stringify(report)}`)
		if (process.env.HERD_FILE) await writeFile(process.env.HERD_FILE, JSON.stringify(report))
		expect(sums).toMatchObject({
			back: count,
			firstReasons: { restart: count },
			missed: 0,
			repeated: 0
		})
		expectEven(waited.slice(1, -1), count)
	}, 240_000)
})
