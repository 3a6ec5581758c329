import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { environment } from '../../src/lib/environment.js'
import { Hub } from '../../src/lib/hub/index.js'
import type { SourceOptions } from '../../src/lib/source/options.js'
import { startHttpServer, type HttpServer } from '../support/http-server.js'
import { Reading } from './reading.js'

/** A server whose token changes, and a page that may fetch the new one. */
class Site {
	readonly hub = new Hub({ name: 'expiry' })
	/** The token that the server takes; who comes with an older one is refused. */
	token = 1
	/** The tokens that requests came with. */
	readonly tokens: number[] = []

	readonly respond = (request: Request): Response => {
		const token = Number(request.headers.get('authorization'))
		this.tokens.push(token)
		if (token !== this.token) return new Response('Your token has expired.', { status: 401 })
		return this.hub.stream('numbers', { request })
	}

	/** The session is up: its token is worth nothing any more. */
	async expire(): Promise<void> {
		this.token++
		await this.hub.disconnect('numbers', 'expired')
	}
}

describe('a token that expires', () => {
	let site: Site
	let server: HttpServer

	beforeAll(async () => {
		environment.isClient = true
		site = new Site()
		server = await startHttpServer((request) => site.respond(request))
	})

	afterAll(async () => {
		await server?.kill()
		await site?.hub.close()
		environment.isClient = false
	})

	async function read(options: SourceOptions): Promise<Reading> {
		site.tokens.length = 0
		const reading = new Reading(server.url, { cache: false, ...options })
		await reading.following()
		await site.hub.publish('numbers', 'number', 1)
		await reading.until(({ numbers }) => numbers.length === 1)
		return reading
	}

	/** Publishes once more, and sees that what came while the page was away came as well. */
	async function isWhole(reading: Reading): Promise<void> {
		await site.hub.publish('numbers', 'number', 3)
		await reading.until(({ numbers }) => numbers.length === 3)
		const { numbers, gaps } = reading
		expect({ numbers, gaps }).toEqual({ numbers: [1, 2, 3], gaps: 0 })
	}

	test('is made anew before the stream goes on from where it was', async () => {
		const from = site.token
		using reading = await read({
			async headers() {
				return { authorization: String(site.token) }
			}
		})
		await site.expire()
		await site.hub.publish('numbers', 'number', 2)
		await isWhole(reading)
		expect(reading.log).toEqual(['open accepted', 'reconnecting expired', 'open accepted'])
		expect(site.tokens).toEqual([from, from + 1])
	})

	test('closes a page that has no other, with the answer at hand', async () => {
		const from = site.token
		using reading = await read({ headers: { authorization: String(from) } })
		await site.expire()
		await reading.until(({ handle }) => handle.status === 'closed')
		expect(reading.log).toEqual(['open accepted', 'reconnecting expired', 'closed refused'])
		expect(reading.handle.error).toMatchObject({ status: 401, body: 'Your token has expired.' })
		expect(site.tokens).toEqual([from, from])
	})

	test('is refreshed after a refusal where `decide` says so', async () => {
		const from = site.token
		let known = from
		using reading = await read({
			headers: () => ({ authorization: String(known) }),
			reconnect: {
				decide({ status }) {
					if (status !== 401) return undefined
					known = site.token
					return 0
				}
			}
		})
		await site.expire()
		await site.hub.publish('numbers', 'number', 2)
		await isWhole(reading)
		expect(reading.log).toEqual(['open accepted', 'reconnecting expired', 'open accepted'])
		expect(reading.failures).toEqual(['refused'])
		expect(site.tokens).toEqual([from, from, from + 1])
	})
})
