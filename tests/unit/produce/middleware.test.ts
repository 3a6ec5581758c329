import express from 'express'
import fastify from 'fastify'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect } from 'vitest'
import { produce } from '../../../src/lib/produce/produce.js'
import type { ProducerConnection } from '../../../src/lib/produce/types.js'
import type { Listener } from '../../support/http-server.js'
import { StreamLog } from '../../support/stream-log.js'
import { gate, test } from './fixture.js'

/** What an app has in front of SvelteKit's handler, and how the handler is mounted there. */
const parsers: Record<string, (handler: Listener) => Promise<Listener> | Listener> = {
	'express.json()': (handler) => express().use(express.json()).use(handler),
	'express.text()': (handler) =>
		express()
			.use(express.text({ type: '*/*' }))
			.use(handler),
	async "Fastify's parser"(handler) {
		const app = fastify()
		// Its own parser refuses JSON without a body.
		const parse = (_: unknown, body: string, done: (error: null, body?: unknown) => void): void =>
			done(null, body && JSON.parse(body))
		app.addContentTypeParser('application/json', { parseAs: 'string' }, parse as never)
		app.all('*', (request, reply) => {
			reply.hijack()
			handler(request.raw, reply.raw)
		})
		await app.ready()
		return (request, response) => app.routing(request, response)
	}
}

/** Resolves when it is aborted, or at once if it has been. */
async function abortOf(signal: AbortSignal): Promise<void> {
	if (!signal.aborted) await once(signal, 'abort')
}

/** As `source()` asks: no body, of the type of JSON. */
const json = { method: 'POST', headers: { 'content-type': 'application/json' } }

// SvelteKit 2 makes its request when the body has been read, misses the end of it, and takes the close for that of the
// connection: streams with `request` ended as `gone` after 5 ms.
describe.for(Object.keys(parsers))('behind %s, which reads the body first, a stream', (name) => {
	test('goes on as long as its client', async ({ serve }) => {
		let connection!: ProducerConnection
		const aborted = gate()
		const stopped = gate<string>()
		const server = await serve((request) => {
			void abortOf(request.signal).then(aborted.resolve)
			return produce((given) => void (connection = given), {
				request,
				stop: (_, reason) => stopped.resolve(reason)
			})
		})
		server.listener = await parsers[name]!(server.listener)
		const log = new StreamLog(await fetch(server.url, json))
		// What this is about: the signal of the request is wrong.
		await aborted.promise
		for (let i = 1; i <= 20; i++) {
			expect(connection.emit('n', i).error).toBe(false)
			await log.count(i)
		}
		log.leave()
		expect(await stopped.promise).toBe('gone')
	})

	test('outlives the half minute after which a stream without a reader ends', async ({
		serve,
		clock
	}) => {
		let connection!: ProducerConnection
		const aborted = gate()
		const server = await serve((request) => {
			void abortOf(request.signal).then(aborted.resolve)
			return produce((given) => void (connection = given), { request, ping: false })
		})
		server.listener = await parsers[name]!(server.listener)
		const log = new StreamLog(await fetch(server.url, json))
		await aborted.promise
		await clock.advance(40_000)
		expect(connection.emit('n', 'alive').error).toBe(false)
		await log.count(1)
		connection.close()
		await log.ended
	})
})

test('a signal that was aborted before is believed when nobody reads', async ({ open, clock }) => {
	const request = new Request('http://test', { ...json, signal: AbortSignal.abort() })
	const { stops, connection } = open({ request, ping: false })
	expect(stops).toEqual([])
	await clock.advance(40_000)
	expect(stops).toEqual([['stop', 'gone']])
	expect([connection.signal.aborted, clock.timers]).toEqual([true, 0])
})

test('a signal that is aborted while the stream is open ends it at once', async ({ open }) => {
	const left = new AbortController()
	const { stops } = open({ request: new Request('http://test', { ...json, signal: left.signal }) })
	left.abort()
	expect(stops).toEqual([['stop', 'gone']])
})

test('a client that leaves while its body is being read ends its stream', async ({ serve }) => {
	const stopped = gate<string>()
	const server = await serve((request) =>
		produce(() => {}, { request, ping: false, stop: (_, reason) => stopped.resolve(reason) })
	)
	const socket = connect(server.port, '127.0.0.1')
	socket.on('error', () => {})
	const head = ['POST / HTTP/1.1', 'host: test', 'content-type: text/plain', 'content-length: 9']
	socket.write([...head, '', 'half'].join('\r\n'))
	await once(socket, 'data')
	socket.resetAndDestroy()
	expect(await stopped.promise).toBe('gone')
})
