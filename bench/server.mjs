// The server process: one contestant behind node:http, and a producer that feeds its streams on order.

import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import { setImmediate as immediate, setTimeout as sleep } from 'node:timers/promises'
import { load } from './contestants/index.mjs'
import { makeRound } from './payload.mjs'
import { obey } from './rpc.mjs'

/** @import { Stream, Tick } from './types.js' */

/** Rounds that may be on their way; one would leave the socket idle while the answer comes. */
const onTheWay = 2

const contestant = await load(process.argv[2] ?? '')
await contestant.prepare?.()

/** @type {Set<Stream>} */
const streams = new Set()
/** When each client was noticed to have left, by its number. @type {Map<number, bigint>} */
const stops = new Map()
/** @type {Tick[]} */
let round = []
/** What clients that resume have missed. @type {Tick | undefined} */
let past
let acknowledged = 0
let woken = () => {}

const http = createHttpServer((incoming, response) => {
	const client = Number(incoming.url?.split('=')[1])
	/** @type {Stream | undefined} */
	let own
	void contestant.serve(incoming, response, {
		opened(stream) {
			own = stream
			streams.add(stream)
			const resumes = incoming.headers['last-event-id'] !== undefined
			if (resumes && past && !contestant.remember) void stream.send(past)
		},
		stopped() {
			if (own) streams.delete(own)
			if (!stops.has(client)) stops.set(client, process.hrtime.bigint())
		}
	})
})
// A benchmark opens its connections all at once, and holds them.
http.requestTimeout = http.headersTimeout = 0
http.listen({ port: 0, host: '127.0.0.1', backlog: 16_384 })

/** Where the client says that a round has arrived, one byte for each. */
const answers = createServer((socket) => {
	socket.setNoDelay()
	socket.on('error', () => {})
	socket.on('data', (bytes) => {
		acknowledged += bytes.length
		woken()
	})
})
answers.listen(0, '127.0.0.1')
await Promise.all([once(http, 'listening'), once(answers, 'listening')])

function acknowledgement() {
	return /** @type {Promise<void>} */ (new Promise((resolve) => (woken = resolve)))
}

/** @param {Tick} tick */
function broadcast(tick) {
	if (contestant.broadcast) return contestant.broadcast(streams, tick)
	/** @type {unknown[] | undefined} */
	let waits
	for (const stream of streams) {
		const wait = stream.send(tick)
		if (wait) (waits ??= []).push(wait)
	}
	return waits && Promise.all(waits)
}

function held() {
	globalThis.gc?.()
	globalThis.gc?.()
	const { heapUsed, external, rss } = process.memoryUsage()
	return { heap: heapUsed, all: heapUsed + external, rss }
}

obey({
	ports: () => [http, answers].map((server) => /** @type {any} */ (server.address()).port),

	/** @param {import('./payload.mjs').Shape} shape */
	shape(shape) {
		round = makeRound(shape)
	},

	/** Makes the first tick the past of clients that resume; returns the id to resume from. */
	remember() {
		past = /** @type {Tick} */ (round[0])
		return contestant.remember?.(past) ?? 'start'
	},

	/** Feeds all streams for some milliseconds, in whole rounds. @param {number} time */
	async run(time) {
		let sent = 0
		/** How long each tick kept the event loop, in milliseconds. @type {number[]} */
		const blocked = []
		acknowledged = 0
		/** When each round was sent. @type {bigint[]} */
		const times = []
		const only = streams.size === 1 && [...streams][0]
		const send = only ? (/** @type {Tick} */ tick) => only.send(tick) : broadcast
		const before = process.cpuUsage()
		const start = performance.now()
		do {
			times.push(process.hrtime.bigint())
			for (const tick of round) {
				const from = only ? 0 : performance.now()
				const wait = send(tick)
				if (!only) blocked.push(performance.now() - from)
				if (wait) await wait
				await immediate()
			}
			sent++
			while (sent - acknowledged >= onTheWay) await acknowledgement()
		} while (performance.now() - start < time)
		while (acknowledged < sent) await acknowledgement()
		const elapsed = performance.now() - start
		const { user, system } = process.cpuUsage(before)
		const events = sent * round.length * (round[0]?.texts.length ?? 0) * streams.size
		const rate = (events / elapsed) * 1_000
		blocked.sort((one, other) => one - other)
		return {
			events,
			rate,
			cpu: (user + system) / events,
			times,
			blocked: blocked[blocked.length >> 1]
		}
	},

	/** Feeds all streams one tick. */
	tick: () => void (round[0] && broadcast(round[0])),

	/** Feeds a stream whose client does not read; tells what the process held at most, beside what it held before. */
	async flood(/** @type {number} */ total) {
		const tick = /** @type {Tick} */ (round[0])
		const before = held().all
		let most = 0
		let looked = 0
		for (let sent = 0; sent < total; sent += tick.whole.length) {
			// Not waited for: who waits for this client waits for ever.
			void broadcast(tick)
			await immediate()
			if (sent - looked < 2_000_000) continue
			looked = sent
			most = Math.max(most, held().all - before)
		}
		await sleep(500)
		return { most: Math.max(most, held().all - before), open: streams.size }
	},

	held,
	pid: () => process.pid,
	count: () => streams.size,
	stops: () => [...stops],
	profile: () => import('./profile.mjs').then(({ start }) => start()),
	profiled: () => import('./profile.mjs').then(({ stop }) => stop())
})
