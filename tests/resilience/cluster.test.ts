import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildApp } from '../../scripts/app.mjs'
import { environment } from '../../src/lib/environment.js'
import type { LogEntry } from '../../src/lib/hub/broker.js'
import { startNginx, type Nginx } from '../support/nginx.js'
import { freePort } from '../support/ports.js'
import { withRandom, type Random } from '../support/random.js'
import { missingTools, titled } from '../support/tools.js'
import { Client } from './cluster/client.js'
import { engines, type Engine } from './cluster/engines.js'
import { Machine } from './cluster/machine.js'

const clientCount = 240
const kills = 7

beforeAll(async () => {
	environment.isClient = true
	await buildApp({ quiet: true })
}, 480_000)

afterAll(() => {
	environment.isClient = false
})

for (const { name, tools, start } of engines) {
	const missing = await missingTools('nginx', ...tools)
	const title = titled(`three machines that share ${name}, behind nginx`, missing)
	describe.skipIf(missing)(title, () => theyLoseNothing(start))
}

function theyLoseNothing(start: () => Promise<Engine>): void {
	let engine: Engine
	let nginx: Nginx
	let machines: Machine[] = []
	let clients: Client[] = []
	const stack = new AsyncDisposableStack()

	beforeAll(async () => {
		engine = stack.use(await start())
		const ports = [await freePort(), await freePort(), await freePort()]
		machines = ports.map((port) => stack.use(new Machine(port, engine.env)))
		await Promise.all(machines.map((machine) => machine.start()))
		// A server that failed is well again for nginx once a response of it has ended, and streams do not end.
		nginx = stack.use(await startNginx({ upstreams: ports, upstream: 'max_fails=0' }))
	})

	afterAll(async () => {
		for (const client of clients) client.leave()
		await stack.disposeAsync()
	})

	/**
	 * Kills machines by chance, at most two at a time, and starts each again; clients leave as theirs may be dying. Never the
	 * same one twice in a row: it has no clients before another has lost its own.
	 */
	async function disturb(random: Random, leavers: Client[]): Promise<void> {
		const restarts = new Set<Promise<void>>()
		let last: Machine | undefined
		for (let kill = 0; kill < kills; kill++) {
			await pause(random.int(300, 1_500))
			const [first, ...others] = machines.filter((machine) => machine.isUp && machine !== last)
			const machine = random.pick([first!, ...others])
			last = machine
			await machine.kill()
			const delay = random.int(100, 1_500)
			const restart: Promise<void> = pause(delay)
				.then(() => machine.start())
				.finally(() => restarts.delete(restart))
			restarts.add(restart)
			for (const client of leavers.splice(0, 6)) client.leave()
			if (restarts.size > 1) await Promise.race(restarts)
		}
		await Promise.all(restarts)
	}

	/** The log as the engine has it. */
	async function readLog(): Promise<string[]> {
		const entries: LogEntry[] = []
		const { promise, resolve } = Promise.withResolvers<void>()
		const listener = {
			entries: (more: readonly LogEntry[]) => void entries.push(...more),
			gap: () => {},
			live: () => resolve()
		}
		const tail = engine.broker.tail({ last: 10_000 }, listener)
		await promise
		await tail.close()
		const said = entries.filter(({ topic }) => topic === 'room:lobby')
		return said.map(
			({ cursor, data }) => `${cursor} ${(JSON.parse(data) as { text: string }).text}`
		)
	}

	test('lose nothing and repeat nothing while they are killed, and know who is there', () => {
		return withRandom('cluster', async (random) => {
			const watchers = machines.map(({ url }) => new Client(url))
			clients = [...watchers]
			while (clients.length < clientCount) {
				const wave = Array.from({ length: 20 }, () => new Client(nginx.url))
				clients.push(...wave)
				await Promise.all(wave.map((client) => client.placed()))
			}
			const ids = (some: Client[]) => some.map(({ id }) => id)
			await Promise.all(watchers.map((watcher) => watcher.present(ids(clients))))

			const ended = new AbortController()
			const publishing = machines.map((machine) => machine.publish(random.fork(), ended.signal))
			await disturb(random, random.shuffle(clients.slice(watchers.length)).slice(0, 40))
			// So that everyone comes to an end which all machines have published to.
			ended.abort()
			await Promise.all(publishing)
			for (const machine of machines) expect(await machine.say(`${machine.port}:end`)).toBe(true)

			const log = await readLog()
			const staying = clients.filter(({ hasLeft }) => !hasLeft)
			await Promise.all(
				staying.map((client) => client.until(({ seen }) => seen.at(-1) === log.at(-1), 'the end'))
			)
			const texts = log.map((line) => line.split(' ')[1]!)
			expect(new Set(texts).size).toBe(texts.length)
			for (const { port, acknowledged } of machines) {
				const own = texts.filter((text) => text.startsWith(`${port}:`))
				expect(acknowledged.filter((text) => !own.includes(text))).toEqual([])
				const numbers = own.slice(0, -1).map((text) => Number(text.split(':')[1]))
				expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
			}
			const whole = log.join('\n')
			for (const { seen, hasLeft } of clients) {
				if (hasLeft ? whole.startsWith(seen.join('\n')) : whole === seen.join('\n')) continue
				// Shows where it differs.
				expect(seen).toEqual(hasLeft ? log.slice(0, seen.length) : log)
			}
			await Promise.all(watchers.map((watcher) => watcher.present(ids(staying))))
			const moves = clients.reduce((sum, { opened }) => sum + opened - 1, 0)
			const doubtful = machines.reduce((sum, machine) => sum + machine.doubtful, 0)
			console.log(`cluster: ${JSON.stringify({ events: log.length, kills, moves, doubtful })}`)
			expect(moves).toBeGreaterThan(clientCount / 2)
		})
	}, 240_000)

	test('tell every client of exactly one gap when the log is lost, and go on', async () => {
		const staying = clients.filter(({ hasLeft }) => !hasLeft)
		const before = staying[0]!.seen.length
		await engine.lose()
		for (const machine of machines) {
			const says = () => machine.say(`${machine.port}:anew`)
			await expect.poll(says, { timeout: 60_000 }).toBe(true)
		}
		const log = await readLog()
		await Promise.all(
			staying.map((client) => client.until(({ seen }) => seen.at(-1) === log.at(-1), 'the end'))
		)
		for (const { seen } of staying) expect(seen.slice(before)).toEqual(['gap', ...log])
	}, 120_000)
}
