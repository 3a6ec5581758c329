import { BROWSER, DEV } from 'esm-env'
import { SseError } from '../errors.js'
import type { RequestOptions } from '../link/types.js'
import { checkRequest, explainUrl } from './check.js'
import type { ReadOptions } from './options.js'

type Address = string | URL | Request

/** Where a stream is, or a function that is asked before every attempt. */
export type From = Address | (() => Address | Promise<Address>)

type Settings = Pick<ReadOptions, 'method' | 'headers' | 'body' | 'fetch' | 'lastEventId'>

/** The requests of one loop. */
export class Requests implements RequestOptions {
	/** The URL of the present attempt. */
	url = ''
	/** Called with the signal of each `Request` that is sent, and with what ends the interest in that signal. */
	followed: (signal: AbortSignal | undefined, until: AbortSignal) => void = () => {}
	readonly body: RequestOptions['body']
	readonly init: RequestInit
	readonly lastEventId: string | undefined
	readonly #from: From
	readonly #settings: Settings
	#request: Request | undefined
	/** The URL for `fetch`: still relative where only the user's `fetch` knows to what. */
	#target = ''

	/** @param init whatever else `fetch` takes */
	constructor(from: From, settings: Settings, init: RequestInit) {
		this.body = settings.body
		this.init = init
		this.lastEventId = settings.lastEventId
		this.#from = from
		this.#settings = settings
		if (typeof from !== 'function') this.#settle(from)
	}

	get method(): string {
		return (this.#settings.method ?? this.#request?.method ?? 'GET').toUpperCase()
	}

	/** The signal of the `Request`. */
	get signal(): AbortSignal | undefined {
		return this.#request?.signal
	}

	/** Whether the `Request` may have a body. Firefox does not show whether it has. */
	get hasOwnBody(): boolean {
		return this.body == null && !!this.#request && !this.isBodiless
	}

	/** Whether requests of this method have no body. */
	get isBodiless(): boolean {
		return /^(GET|HEAD)$/.test(this.method)
	}

	/** Whether the request can be made only once. */
	get isOneShot(): boolean {
		const { body } = this
		if (body != null) return body instanceof ReadableStream
		return typeof this.#from !== 'function' && this.hasOwnBody
	}

	readonly headers = async (): Promise<Headers> => {
		const { headers: given } = this.#settings
		if (typeof this.#from === 'function') this.#settle(await this.#from())
		const headers = new Headers(this.#request?.headers)
		const own = new Headers(typeof given === 'function' ? await given() : given)
		own.forEach((value, name) => headers.set(name, value))
		return headers
	}

	readonly fetch = (_: unknown, init?: RequestInit): Promise<Response> => {
		this.followed(this.signal, init!.signal!)
		return (this.#settings.fetch ?? fetch)(this.#request ?? this.#target, init)
	}

	#settle(address: Address): void {
		const request = (address as Request | undefined)?.headers ? (address as Request) : undefined
		if (DEV || !BROWSER) checkRequest(request)
		// A worker has no document, a server has neither.
		const base = globalThis.document?.baseURI ?? globalThis.location?.href
		this.#request = request
		this.url =
			request?.url ?? resolve(address, base ?? (this.#settings.fetch && 'http://localhost'))
		this.#target = base ? this.url : `${address as string}`
	}
}

function resolve(address: unknown, base: string | undefined): string {
	try {
		if (address) return new URL(address as string, base).href
	} catch {
		// As nothing at all.
	}
	throw new SseError('invalid-url', DEV || !BROWSER ? explainUrl(address) : `${address as string}`)
}
