import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { environment } from '../../src/lib/environment.js'
import { Hub } from '../../src/lib/hub/index.js'
import type { Start } from '../../src/lib/produce/types.js'
import { startHttpServer, type HttpServer } from '../support/http-server.js'
import { Http2Fetch } from '../support/http2-fetch.js'
import { missingNginx, startNginx, type Nginx } from '../support/nginx.js'
import { titled } from '../support/tools.js'
import { Reading } from './reading.js'

/** Milliseconds after which nginx gives up a stream that says nothing; a minute when nobody says otherwise. */
const readTimeout = 8_000
/** Far below it, so that a machine which is busy elsewhere for some seconds is not taken for a silent server. */
const ping = 500

const missing = await missingNginx()

describe.skipIf(missing)(titled('behind nginx, with its buffering and gzip', missing), () => {
	let hub: Hub
	let server: HttpServer
	let nginx: Nginx
	let http2: Http2Fetch

	beforeAll(async () => {
		environment.isClient = true
		hub = new Hub({ name: 'behind nginx' })
		server = await startHttpServer(respond)
		nginx = await startNginx({ upstreams: [server.port], readTimeout })
		http2 = new Http2Fetch(nginx.certificate)
	})

	afterAll(async () => {
		http2?.close()
		await nginx?.close()
		await server?.close()
		await hub?.close()
		environment.isClient = false
	})

	function respond(request: Request): Response {
		const { pathname } = new URL(request.url)
		const start = pathname === '/greeting' || pathname === '/buffered' ? greet : undefined
		const silence = pathname === '/silent' ? false : ping
		const response = hub.stream(pathname, { request, ping: silence, start })
		if (pathname === '/buffered') response.headers.delete('x-accel-buffering')
		return response
	}

	const greet: Start = ({ emit }) => {
		emit('number', 1)
	}

	// What is on trial is nginx's patience, not that of our own watchdog.
	const watchdog = false
	const protocols = {
		'HTTP/1.1': {
			open: (path: string) => new Reading(nginx.url + path, { watchdog }),
			fetch: (path: string, init: RequestInit) => fetch(nginx.url + path, init)
		},
		'HTTP/2 with TLS': {
			open: (path: string) => new Reading(nginx.secureUrl + path, { watchdog, fetch: http2.fetch }),
			fetch: (path: string, init: RequestInit) => http2.fetch(nginx.secureUrl + path, init)
		}
	}

	describe.each(Object.entries(protocols))('over %s', (protocol, { open, fetch }) => {
		/** A topic, and a path, of this protocol alone. */
		const own = (name: string) => `/${name}/${protocol.replaceAll(/\W/g, '')}`

		test('the first event is there within a second', { retry: 5 }, async () => {
			const startedAt = performance.now()
			using reading = open('/greeting')
			await reading.until(({ numbers }) => numbers.length > 0)
			expect(performance.now() - startedAt).toBeLessThan(1_000)
		})

		test('each event comes as it is published, however small', async () => {
			const topic = own('small')
			using reading = open(topic)
			await reading.following()
			for (let number = 1; number <= 5; number++) {
				await hub.publish(topic, 'number', number)
				await reading.until(({ numbers }) => numbers.at(-1) === number)
			}
			expect(reading.log).toEqual(['open accepted'])
		})

		test('streams really are compressed, and held back when they do not ask not to be', async () => {
			const abort = new AbortController()
			const init = { method: 'POST', signal: abort.signal }
			const first = async (path: string) => {
				const { headers, body } = await fetch(path, init)
				await body!.getReader().read()
				return headers
			}
			let isHeld = true
			const buffered = first('/buffered').then(
				() => (isHeld = false),
				() => {}
			)
			const headers = await first('/greeting')
			expect(headers.get('content-encoding')).toBe('gzip')
			expect(headers.get('server')).toMatch(/nginx/)
			expect(isHeld).toBe(true)
			abort.abort()
			await buffered
		})

		test('a restart of the server behind it costs no event', async () => {
			const topic = own('restart')
			using reading = open(topic)
			await reading.following()
			await hub.publish(topic, 'number', 1)
			await reading.until(({ numbers }) => numbers.length === 1)
			await server.kill()
			await hub.publish(topic, 'number', 2)
			// nginx answers 502 as long as nobody is there.
			await reading.until(({ failures }) => failures.includes('refused'))
			await hub.publish(topic, 'number', 3)
			await server.start()
			await reading.until(({ numbers }) => numbers.length === 3)
			await hub.publish(topic, 'number', 4)
			await reading.until(({ numbers }) => numbers.length === 4)
			expect({ numbers: reading.numbers, gaps: reading.gaps }).toEqual({
				numbers: [1, 2, 3, 4],
				gaps: 0
			})
			expect(reading.log).toEqual(['open accepted', 'reconnecting cut', 'open accepted'])
		})

		test('a restart of nginx itself costs none either', async () => {
			const topic = own('proxy')
			using reading = open(topic)
			await reading.following()
			await hub.publish(topic, 'number', 1)
			await reading.until(({ numbers }) => numbers.length === 1)
			const restarted = nginx.restart()
			await hub.publish(topic, 'number', 2)
			await restarted
			await reading.until(({ log }) => log.filter((step) => step === 'open accepted').length >= 2)
			await reading.until(({ numbers }) => numbers.length === 2)
			expect({ numbers: reading.numbers, gaps: reading.gaps }).toEqual({ numbers: [1, 2], gaps: 0 })
		})

		test('a client that leaves is noticed by the server', async () => {
			const topic = own('leaving')
			const reading = open(topic)
			await reading.following()
			expect(hub.connections(topic)).toBe(1)
			reading[Symbol.dispose]()
			await expect.poll(() => hub.connections(topic), { interval: 5 }).toBe(0)
		})
	})

	test('an idle stream outlives the read timeout; one without heartbeats is cut', async () => {
		using stack = new DisposableStack()
		const open = (path: string) =>
			Object.values(protocols).map((protocol) => stack.use(protocol.open(path)))
		const idle = open('/idle')
		await Promise.all(idle.map((reading) => reading.following()))
		// Cut twice: the others have been idle for twice the time-out.
		const isCut = (step: string) => step === 'reconnecting cut'
		const cutTwice = ({ log }: Reading) => log.filter(isCut).length >= 2
		await Promise.all(open('/silent').map((reading) => reading.until(cutTwice, 50_000)))
		expect(idle.map(({ log }) => log)).toEqual(idle.map(() => ['open accepted']))
		await hub.publish('/idle', 'number', 1)
		await Promise.all(idle.map((reading) => reading.until(({ numbers }) => numbers.length === 1)))
	})
})
