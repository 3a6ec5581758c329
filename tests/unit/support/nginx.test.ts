import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:http2'
import { describe, expect, test } from 'vitest'
import { startHttpServer } from '../../support/http-server.js'
import { missingNginx, startNginx } from '../../support/nginx.js'
import { selfSigned } from '../../support/nginx/certificate.js'
import { titled } from '../../support/tools.js'

const missing = await missingNginx()
const encoder = new TextEncoder()

/** Says its name and the protocol that nginx spoke with it. */
const named = (name: string) => startHttpServer(() => new Response(name))

/** Asks on a connection of its own: one that was kept alive may end just as it is asked on. */
const ask = async (url: string) => (await fetch(url, { headers: { connection: 'close' } })).text()

/** Answers one short chunk and stays open. */
const waiting = (headers: HeadersInit) => () => {
	const body = new ReadableStream({
		start: (controller) => controller.enqueue(encoder.encode('first'))
	})
	return new Response(body, { headers })
}

test('the certificate is valid for localhost and signed by itself', () => {
	const { cert } = selfSigned()
	const certificate = new X509Certificate(cert)
	expect(certificate.checkHost('localhost')).toBe('localhost')
	expect(certificate.checkIP('127.0.0.1')).toBe('127.0.0.1')
	expect(certificate.verify(certificate.publicKey)).toBe(true)
})

describe.skipIf(missing)(titled('nginx', missing), { timeout: 60_000 }, () => {
	test('leads HTTP/1.1 to its upstreams in turn, and reloads with others', async () => {
		await using one = await named('one')
		await using two = await named('two')
		await using nginx = await startNginx({ upstreams: [one.port, two.port] })
		const { url } = nginx
		expect([await ask(url), await ask(url), await ask(url)]).toEqual(['one', 'two', 'one'])
		await nginx.reload({ upstreams: [two.port] })
		expect([await ask(url), await ask(url)]).toEqual(['two', 'two'])
		await nginx.restart()
		expect(await ask(url)).toBe('two')
	})

	test('speaks HTTP/2 over TLS, and compresses', async () => {
		await using server = await startHttpServer(() => new Response('x'.repeat(10_000)))
		await using nginx = await startNginx({ upstreams: [server.port] })
		const session = connect(nginx.secureUrl, { ca: nginx.certificate })
		const request = session.request({ ':path': '/', 'accept-encoding': 'gzip' })
		const [headers] = await once(request, 'response')
		expect(headers[':status']).toBe(200)
		expect(headers['content-encoding']).toBe('gzip')
		session.destroy()
	})

	test('buffers unless it is told not to', async () => {
		await using server = await startHttpServer(waiting({ 'x-accel-buffering': 'no' }))
		await using nginx = await startNginx({ upstreams: [server.port], readTimeout: 600_000 })
		const reader = (await fetch(nginx.url)).body!.getReader()
		expect(new TextDecoder().decode((await reader.read()).value)).toBe('first')
		await reader.cancel()

		server.handler = waiting({ 'content-type': 'text/plain' })
		// In this time the server has to answer, too, and the machine may have much else to do.
		const readTimeout = 5_000
		await nginx.reload({ readTimeout })
		const start = performance.now()
		const response = await fetch(nginx.url)
		const buffered = response.text()
		await expect(buffered).rejects.toThrow()
		expect(performance.now() - start).toBeGreaterThan(readTimeout - 10)
	})

	test('answers 502 while there is no upstream, and finds it again', async () => {
		await using server = await named('back')
		await using nginx = await startNginx({ upstreams: [server.port] })
		await server.kill()
		expect((await fetch(nginx.url)).status).toBe(502)
		await server.start()
		expect(await ask(nginx.url)).toBe('back')
	})
})
