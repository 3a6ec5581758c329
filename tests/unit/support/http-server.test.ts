import { expect, test } from 'vitest'
import { startHttpServer } from '../../support/http-server.js'
import { hasIPv6, isFree } from '../../support/ports.js'

const encoder = new TextEncoder()

/** An endless stream that says one word and tells when its reader has left. */
function endless() {
	const { promise: cancelled, resolve } = Promise.withResolvers<void>()
	const body = new ReadableStream({
		start: (controller) => controller.enqueue(encoder.encode('hello')),
		cancel: () => resolve()
	})
	return { response: new Response(body), cancelled }
}

test('a handler gets a web Request and its Response reaches the client', async () => {
	await using server = await startHttpServer(async (request) => {
		const { pathname } = new URL(request.url)
		const headers = { 'x-method': request.method, 'x-path': pathname }
		return new Response((await request.text()).toUpperCase(), { status: 201, headers })
	})
	const response = await fetch(`${server.url}/echo`, { method: 'POST', body: 'hi' })
	expect(response.status).toBe(201)
	expect(response.headers.get('x-method')).toBe('POST')
	expect(response.headers.get('x-path')).toBe('/echo')
	expect(await response.text()).toBe('HI')
	expect(server.requests).toBe(1)
})

test('a handler that throws answers 500', async () => {
	await using server = await startHttpServer(() => {
		throw new Error('broken')
	})
	const response = await fetch(server.url)
	expect(response.status).toBe(500)
	expect(await response.text()).toContain('broken')
})

test('a client that leaves cancels the stream', async () => {
	const { response, cancelled } = endless()
	await using server = await startHttpServer(() => response)
	const controller = new AbortController()
	const { body } = await fetch(server.url, { signal: controller.signal })
	await body!.getReader().read()
	expect(server.open).toBe(1)
	controller.abort()
	await cancelled
})

test('killed it cuts every client and cancels its streams; restarted it has the same port', async () => {
	const { response, cancelled } = endless()
	await using server = await startHttpServer(() => response)
	const { port } = server
	const reader = (await fetch(server.url)).body!.getReader()
	await reader.read()
	await server.kill()
	await cancelled
	await expect(reader.read()).rejects.toThrow()
	expect(server.open).toBe(0)
	await expect(fetch(server.url)).rejects.toThrow()

	server.handler = () => new Response('back')
	await server.start()
	expect(server.port).toBe(port)
	expect(await (await fetch(server.url)).text()).toBe('back')
	await server.restart()
	expect(await (await fetch(server.url)).text()).toBe('back')
})

test.skipIf(!hasIPv6)('keeps its port while it is away, and not for ever', async () => {
	const server = await startHttpServer(() => new Response('here'))
	const { port } = server
	await server.kill()
	await expect.poll(() => isFree(port)).toBe(false)
	await server[Symbol.asyncDispose]()
	await expect.poll(() => isFree(port)).toBe(true)
})

test('closed it lets open responses end first', async () => {
	let end = () => {}
	await using server = await startHttpServer(() => {
		const body = new ReadableStream({
			start(controller) {
				controller.enqueue(encoder.encode('begin '))
				end = () => {
					controller.enqueue(encoder.encode('end'))
					controller.close()
				}
			}
		})
		return new Response(body)
	})
	const response = await fetch(server.url)
	const closed = server.close()
	end()
	expect(await response.text()).toBe('begin end')
	await closed
	expect(server.open).toBe(0)
})
