import { once } from 'node:events'
import { request, type ClientRequest, type IncomingMessage } from 'node:http'
import { pipeline, Readable } from 'node:stream'
import { constants, createGunzip } from 'node:zlib'
import type { CloseReason } from '../../src/lib/errors.js'
import { read, type EventReader } from '../../src/lib/testing/read.js'

/** A client with a connection of its own, which asks as the library and a browser do, and can leave. */
export class Client implements Disposable {
	readonly #request: ClientRequest
	readonly #response: Promise<IncomingMessage>
	readonly #events: Promise<EventReader>

	constructor(
		url: string,
		{ lastEventId, body = '' }: { lastEventId?: string; body?: string } = {}
	) {
		this.#request = request(url, {
			method: 'POST',
			agent: false,
			headers: {
				accept: 'text/event-stream',
				'accept-encoding': 'gzip',
				'content-type': 'application/json',
				'content-length': body.length,
				...(lastEventId && { 'last-event-id': lastEventId })
			}
		})
		this.#request.end(body)
		this.#response = once(this.#request, 'response').then(([response]) => response)
		this.#events = this.#response.then((response) => read(toWeb(response)))
		// It may break off while nobody asks for an event.
		this.#events.catch(() => {})
		this.#request.on('error', () => {})
	}

	async isCompressed(): Promise<boolean> {
		return isPacked(await this.#response)
	}

	/** The data of the next event; undefined at the end of the stream. */
	async next(): Promise<string | undefined> {
		const events = await this.#events
		return (await events.next()).value?.data
	}

	/** Reads to the end, and tells what the server gave as the reason, or that the response broke off. */
	async ending(): Promise<CloseReason | 'cut' | undefined> {
		try {
			while ((await this.next()) !== undefined);
			return (await this.#events).reason
		} catch {
			return 'cut'
		}
	}

	/** Closes the connection, as a browser does whose tab is closed; resolves when it is closed. */
	async leave(): Promise<void> {
		const closed = once(this.#request, 'close')
		this.#request.destroy()
		await closed
	}

	[Symbol.dispose](): void {
		this.#request.destroy()
	}
}

function toWeb(response: IncomingMessage): Response {
	const flush = { flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH }
	// What breaks off reaches the reader of the body as an error of its own.
	const bytes = isPacked(response) ? pipeline(response, createGunzip(flush), () => {}) : response
	const headers = { 'content-type': response.headers['content-type'] ?? '' }
	const body = Readable.toWeb(bytes) as ReadableStream<Uint8Array>
	return new Response(body, { status: response.statusCode, headers })
}

function isPacked({ headers }: IncomingMessage): boolean {
	return headers['content-encoding'] === 'gzip'
}
