import { expect, vi } from 'vitest'

/** How long a test waits for what takes no time of its own, in ms. */
const patient = { timeout: 20_000, interval: 20 }

/** Asks a host to do something. */
function post(url: string, action: string, id: string, options: object, signal?: AbortSignal) {
	const query = new URLSearchParams({ id, options: JSON.stringify(options) })
	const headers = { 'content-type': 'application/json' }
	return fetch(`${url}/${action}?${query}`, { method: 'POST', headers, body: '{}', signal })
}

/** Asks a host to do something, and reads the answer. */
export async function ask<T>(url: string, action: string, id = '', options = {}): Promise<T> {
	const response = await post(url, action, id, options)
	expect(response.status).toBe(200)
	return (await response.json()) as T
}

/** One client, which reads on and on until it leaves. */
export class Client {
	readonly #left = new AbortController()
	text = ''
	/** How the response ended, once it has. */
	end: 'whole' | 'broken' | undefined

	private constructor(
		readonly url: string,
		readonly id: string
	) {}

	/** Opens a stream by asking for `stream` or `hub`. */
	static async open(url: string, action: 'stream' | 'hub', options = {}): Promise<Client> {
		const client = new Client(url, crypto.randomUUID())
		const response = await post(url, action, client.id, options, client.#left.signal)
		expect(response.status).toBe(200)
		void client.#read(response.body!)
		return client
	}

	/** Asks the host something of this client's stream. */
	ask<T>(action: string, options = {}): Promise<T> {
		return ask(this.url, action, this.id, options)
	}

	leave(): void {
		this.#left.abort()
	}

	/** Waits until it has read some text. */
	async sees(text: string): Promise<void> {
		await vi.waitFor(() => expect(this.text).toContain(text), patient)
	}

	/** Waits until the response has ended. */
	async ends(): Promise<void> {
		await vi.waitFor(() => expect(this.end).toBeDefined(), patient)
	}

	/** Waits until so many heartbeats have come; the response may not end meanwhile. */
	async beats(count: number): Promise<void> {
		await vi.waitFor(() => {
			expect(this.end).toBeUndefined()
			expect(this.text.match(/^:$/gm)?.length ?? 0).toBeGreaterThanOrEqual(count)
		}, patient)
	}

	/** Waits until the producer's stop functions have run, and says what they were told. */
	async stops(): Promise<string[]> {
		const stops = () => this.ask<string[]>('stops')
		await vi.waitFor(async () => expect((await stops()).length).toBeGreaterThan(1), patient)
		return stops()
	}

	async #read(body: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
		try {
			for await (const chunk of body.pipeThrough(new TextDecoderStream())) this.text += chunk
			this.end = 'whole'
		} catch {
			this.end = 'broken'
		}
	}
}
