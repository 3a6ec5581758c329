import { once } from 'node:events'
import { connect, constants, type ClientHttp2Session } from 'node:http2'
import { pipeline, Readable } from 'node:stream'
import { constants as zlib, createGunzip } from 'node:zlib'

/** A `fetch` over HTTP/2 that asks for gzip, as browsers do; Node's own speaks HTTP/1.1 only. */
export class Http2Fetch {
	#certificate: string | undefined
	#session: ClientHttp2Session | undefined

	/** @param certificate the one to trust, as PEM; without TLS none */
	constructor(certificate?: string) {
		this.#certificate = certificate
	}

	readonly fetch = async (
		to: string | URL | Request,
		init: RequestInit = {}
	): Promise<Response> => {
		const url = new URL(String(to))
		const session = this.#sessionTo(url.origin)
		const stream = session.request({
			...Object.fromEntries(new Headers(init.headers)),
			':method': init.method,
			':path': url.pathname + url.search,
			'accept-encoding': 'gzip'
		})
		stream.end()
		init.signal?.addEventListener('abort', () => stream.close(constants.NGHTTP2_CANCEL))
		const [headers] = await once(stream, 'response', { signal: init.signal ?? undefined })
		const plain = Object.entries<string>(headers).filter(([name]) => !name.startsWith(':'))
		const isPacked = headers['content-encoding'] === 'gzip'
		const gunzip = createGunzip({ flush: zlib.Z_SYNC_FLUSH, finishFlush: zlib.Z_SYNC_FLUSH })
		// What breaks off reaches the reader of the body as an error of its own.
		const bytes = isPacked ? pipeline(stream, gunzip, () => {}) : stream
		const body = Readable.toWeb(bytes) as ReadableStream<Uint8Array>
		return new Response(body, { status: headers[':status'], headers: plain })
	}

	close(): void {
		this.#session?.destroy()
	}

	#sessionTo(origin: string): ClientHttp2Session {
		if (this.#session && !this.#session.closed && !this.#session.destroyed) return this.#session
		this.#session = connect(origin, { ca: this.#certificate })
		// Each request on it hears of it by itself.
		this.#session.on('error', () => {})
		return this.#session
	}
}
