import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { drain } from '../../../../src/lib/produce/drain.js'
import { produce } from '../../../../src/lib/produce/produce.js'
import { startHttpServer } from '../../../support/http-server.js'

// Opens and ends streams over HTTP, a thousand times in every way there is, and writes what is left of them.

const rounds = Number(process.env.ROUNDS)
const unhandled: string[] = []
process.on('unhandledRejection', (reason) => unhandled.push(String(reason)))

let started = 0
let stopped = 0
const endings = [
	'leave',
	'reset',
	'close',
	'lock',
	'throw',
	'reject',
	'end',
	'slow',
	'signal',
	'late'
] as const

const server = await startHttpServer(async (request) => {
	const ending = new URL(request.url).pathname.slice(1) as (typeof endings)[number]
	const text = await request.text()
	started++
	return produce(
		({ emit, lock, close, signal, drained, lastEventId }) => {
			signal.addEventListener('abort', () => {})
			lock.subscribe(() => {})
			emit('first', { text, lastEventId })
			void drained()
			if (ending === 'throw') throw new Error('expected')
			if (ending === 'reject') return Promise.reject(new Error('expected'))
			if (ending === 'close') setImmediate(() => close('restart', { retry: 5 }))
			if (ending === 'lock') setImmediate(() => lock.set(false))
			if (ending === 'slow') while (!emit('more', 'x'.repeat(10_000)).error);
			if (ending === 'late')
				return new Promise<() => void>((resolve) =>
					signal.addEventListener('abort', () => resolve(() => {}))
				)
			if (ending === 'end')
				return (async function* () {
					for (let i = 0; i < 5; i++) yield { data: i }
				})()
			return () => {}
		},
		{
			request,
			ping: 1_000 + (started % 3),
			maxDuration: 60_000,
			maxBuffer: 200_000,
			stop: () => void stopped++,
			error() {}
		}
	)
})

async function visit(ending: (typeof endings)[number]): Promise<void> {
	const outgoing = httpRequest(`${server.url}/${ending}`, { method: 'POST', agent: false })
	outgoing.on('error', () => {})
	outgoing.end('body')
	const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
	response.on('error', () => {})
	await once(response, 'data')
	if (ending === 'reset') response.socket.resetAndDestroy()
	else if (['leave', 'late', 'signal'].includes(ending)) outgoing.destroy()
	else response.resume()
	if (!response.closed) await new Promise((resolve) => response.once('close', resolve))
}

async function run(count: number): Promise<void> {
	for (let round = 0; round < count; round += 50) {
		await Promise.all(
			Array.from({ length: 50 }, (_, index) => visit(endings[(round + index) % endings.length]!))
		)
	}
	while (stopped < started || server.open > 0)
		await new Promise((resolve) => setTimeout(resolve, 5))
	// The last bytes are looked after for a second.
	await new Promise((resolve) => setTimeout(resolve, 1_100))
}

async function left() {
	for (let i = 0; i < 5; i++) {
		gc!()
		await new Promise((resolve) => setImmediate(resolve))
	}
	const registry = (globalThis as Record<symbol, unknown>)[Symbol.for('sveltekit-sse.streams')] as {
		streams: Set<unknown>
	}
	const resources: Record<string, number> = {}
	for (const name of process.getActiveResourcesInfo()) resources[name] = (resources[name] ?? 0) + 1
	return {
		running: started - stopped,
		streams: registry.streams.size,
		resources,
		listeners: ['SIGTERM', 'SIGINT', 'exit', 'beforeExit'].map((name) =>
			process.listenerCount(name)
		),
		unhandled,
		heap: process.memoryUsage().heapUsed
	}
}

await run(300)
const before = await left()
await run(rounds)
console.log(JSON.stringify({ before, after: await left(), started }))
await drain()
await server.kill()
