import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { titled } from '../support/tools.js'
import { Fixture } from './fixture.js'
import { missingRegistry } from '../../scripts/registry.mjs'

const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } }
const isMusl = process.platform === 'linux' && !header.glibcVersionRuntime
const missing = isMusl ? 'workerd runs on glibc only' : await missingRegistry()
const title = titled('a worker for Cloudflare with the packed library', missing)

/** Milliseconds: short, so that a quiet stream need not be watched for long. */
const ping = 400
/** How long a test waits, and how often it looks: for what a few heartbeats bring, and for what takes half a minute. */
const patient = { timeout: 20_000, interval: 200 }
const limit = { timeout: 60_000, interval: 1_000 }
/** What serve.js calls its settings. */
const settings = ['bare', 'signal', 'node', 'signal-node', 'old']

describe.skipIf(missing)(title, () => {
	const fixture = new Fixture('workers')
	let url: string
	beforeAll(async () => {
		await fixture.install()
		await fixture.run('vite', 'build')
		url = await fixture.serve('serve.js')
	})
	afterAll(() => fixture[Symbol.asyncDispose]())

	let made = 0

	/** One client, which reads on and on until it leaves. */
	class Client {
		readonly #setting: string
		readonly #id = String(++made)
		readonly #left = new AbortController()
		#response!: Response
		text = ''
		/** How the response ended, once it has. */
		end: 'whole' | 'broken' | undefined

		constructor(setting: string) {
			this.#setting = setting
		}

		/** Asks for a stream, without reading it. */
		static async ask(path: string, options: object): Promise<Client> {
			const client = new Client(path.split('/')[1]!)
			const query = new URLSearchParams({ id: client.#id, options: JSON.stringify(options) })
			client.#response = await fetch(`${url}${path}?${query}`, { signal: client.#left.signal })
			return client
		}

		static async read(path: string, options: object): Promise<Client> {
			const client = await this.ask(path, options)
			void client.read()
			return client
		}

		async read(): Promise<void> {
			try {
				for await (const chunk of this.#response.body!.pipeThrough(new TextDecoderStream()))
					this.text += chunk
				this.end = 'whole'
			} catch {
				this.end = 'broken'
			}
		}

		leave(): void {
			this.#left.abort()
		}

		/** Waits until so many heartbeats more have come. */
		async beats(count: number): Promise<void> {
			const heartbeats = () => this.text.split(':\n\n').length - 1
			const end = heartbeats() + count
			await vi.waitFor(() => {
				expect(this.end).toBeUndefined()
				expect(heartbeats()).toBeGreaterThanOrEqual(end)
			}, patient)
		}

		/** Waits until the producer has been told why the stream ended. */
		async ended(reason: string, options = patient): Promise<void> {
			await vi.waitFor(async () => expect(await this.#reasons()).toEqual([reason]), options)
		}

		/** Waits until it has read some text. */
		async sees(text: string): Promise<void> {
			await vi.waitFor(() => expect(this.text).toContain(text), patient)
		}

		/** Bytes that wait for it. */
		buffered(): Promise<number> {
			return ask(`/${this.#setting}/plain/buffered?id=${this.#id}`)
		}

		async #reasons(): Promise<string[]> {
			const all: [string, string][] = await ask(`/${this.#setting}/plain/ends`)
			return all.filter(([id]) => id === this.#id).map(([, reason]) => reason)
		}
	}

	const ask = async (path: string, init?: RequestInit) => (await fetch(url + path, init)).json()

	/** Makes a claim about each of some paths: all at once, since most of the time is waiting. */
	function testAt(paths: string[], claim: string, check: (path: string) => Promise<void>): void {
		test.concurrent(claim, async () => {
			const checks = paths.map(async (path) => {
				try {
					await check(path)
				} catch (cause) {
					throw new Error(`${path}: ${(cause as Error).message}`, { cause })
				}
			})
			await Promise.all(checks)
		})
	}

	const each = settings.map((setting) => `/${setting}`)
	const everywhere = each.flatMap((setting) => [`${setting}/plain`, `${setting}/object`])

	testAt(each, 'a response that a Durable Object throws away ends its stream', async (setting) => {
		// An object that nobody asks for anything is taken out of memory, with all that it has.
		const kept = await Client.read(`${setting}/throwing/stream`, { ping })
		const client = await Client.read(`${setting}/throwing/dropped`, { ping })
		await client.ended('gone', limit)
		await kept.beats(1)
		kept.leave()
	})

	testAt(everywhere, 'a client that never takes the last bytes is cut off', async (place) => {
		const client = await Client.ask(`${place}/stream`, { flood: 120 })
		await client.ended('done')
		expect(await client.buffered()).toBeGreaterThan(0)
		await vi.waitFor(async () => expect(await client.buffered()).toBe(0), limit)
		await client.read()
		expect(client.end).toBe('broken')
	})

	testAt(everywhere, 'a client that reads late gets all of a stream that ended', async (place) => {
		const client = await Client.ask(`${place}/stream`, { flood: 10 })
		await client.ended('done')
		await client.read()
		expect(client.end).toBe('whole')
		expect(client.text.match(/x{100000}\n\n/g)?.length).toBe(10)
		expect(client.text).toMatch(/:sveltekit-sse\/1 close done\n\n$/)
	})

	// They never came: workerd cuts a high-water mark of half a byte to none, and nothing counted as taken.
	testAt(everywhere, 'a quiet stream has its heartbeats, in time', async (place) => {
		const client = await Client.read(`${place}/stream`, { ping })
		const begun = performance.now()
		await client.beats(4)
		expect(performance.now() - begun).toBeGreaterThan(3 * ping)
		expect(client.text).toMatch(/^:sveltekit-sse\/1 hello ping=400\n\n(:\n\n)+$/)
		client.leave()
	})

	// A timer belongs to the request that set it: the first client took the heartbeats of all along.
	testAt(everywhere, 'quiet streams go on when the client of the first leaves', async (place) => {
		const first = await Client.read(`${place}/stream`, { ping })
		await first.beats(1)
		const second = await Client.read(`${place}/stream`, { ping })
		await second.beats(1)
		first.leave()
		await first.ended('gone')
		const third = await Client.read(`${place}/stream`, { ping })
		await Promise.all([second.beats(3), third.beats(3)])
		second.leave()
		await second.ended('gone')
		await third.beats(2)
		third.leave()
	})

	testAt(everywhere, 'a client that leaves at once is noticed by the heartbeats', async (place) => {
		const client = await Client.read(`${place}/stream`, { ping })
		client.leave()
		await client.ended('gone')
	})

	testAt(everywhere, 'a quiet stream ends with rotate at its limit', async (place) => {
		const limited = [ping, false].map(async (ping) => {
			const client = await Client.read(`${place}/stream`, { ping, maxDuration: 1_000 })
			await client.ended('rotate')
			await vi.waitFor(() => expect(client.end).toBe('whole'), patient)
			expect(client.text).toMatch(/:sveltekit-sse\/1 close rotate\n\n$/)
		})
		await Promise.all(limited)
	})

	testAt(
		each,
		'members of a hub in a Durable Object see one another come and go',
		async (setting) => {
			const ann = await Client.read(`${setting}/room/hub`, { name: 'ann', ping })
			const bob = await Client.read(`${setting}/room/hub`, { name: 'bob', ping })
			const present = (...ids: string[]) =>
				JSON.stringify({ topic: 'room', members: ids.map((id) => ({ id })) })
			await ann.sees(present('ann', 'bob'))
			const publish = (body: string) => ask(`${setting}/room/publish`, { method: 'POST', body })
			expect(await publish('first')).toEqual({ error: false, connections: 2 })
			await Promise.all([ann.sees('first'), bob.sees('first')])
			ann.leave()
			await ann.ended('gone')
			await bob.sees(present('bob'))
			expect(await publish('second')).toEqual({ error: false, connections: 1 })
			await bob.sees('second')
			await bob.beats(2)
			bob.leave()
			await bob.ended('gone')
			expect(await publish('nobody')).toEqual({ error: false, connections: 0 })
		}
	)

	// Its microtask was to send for all, and never ran: all streams of the process stayed mute.
	testAt(each, 'an object that dies before it sends mutes no stream of others', async (setting) => {
		const client = await Client.read(`${setting}/survivor/stream`, { ping })
		await client.beats(1)
		expect((await fetch(`${url}${setting}/dying/abort`)).status).toBe(500)
		await client.beats(2)
		client.leave()
	})

	testAt(each, 'a hub that several requests would share is refused', async (setting) => {
		expect(await ask(`${setting}/plain/misplaced`)).toBe(false)
		expect(await ask(`${setting}/plain/misplaced`)).toContain('belongs in a Durable Object')
	})

	testAt(each, 'nobody listens for signals, which never come', async (setting) => {
		expect(await ask(`${setting}/plain/runtime`)).toEqual({
			navigator: setting === '/old' ? 'undefined' : 'object',
			signals: 0
		})
	})
})
