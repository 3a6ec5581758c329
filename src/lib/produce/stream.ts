import { clock, type Timer } from '../clock.js'
import type { Contract } from '../contract/types.js'
import { SseError, type CloseReason } from '../errors.js'
import { closeFrame, heartbeatFrame, helloFrame } from '../wire/control.js'
import { streamHeaders } from '../wire/headers.js'
import { Body } from './body.js'
import { delist, enlist, type Drainable } from './drain.js'
import { restartWhenEdited } from './edited.js'
import { heartbeatWheel, type Beating, type HeartbeatWheel } from './heartbeat.js'
import { Outbox, type OutboxOwner } from './outbox.js'
import type { Overflow, StopReason } from './types.js'

export interface StreamOptions {
	ping: number | false
	maxBuffer: number
	overflow: Overflow
	retry?: number
	maxDuration?: number
	request?: Request
	headers?: HeadersInit
	/** The contract, whose versions are announced. */
	events?: Pick<Contract<unknown>, 'version' | 'since'>
	/** Whether the stream goes on behind the id that the request named. */
	resumed?: boolean
	/** Makes the frame of a heartbeat. @default an empty comment */
	heartbeat?: () => string
	/** Called once, in the tick in which the stream ends. */
	ended(reason: StopReason): void
}

/** Milliseconds until someone has to have begun to read; no client waits longer for a response. */
const unreadLimit = 30_000
/** Milliseconds a client has to take the last bytes of a stream that has ended; then they are dropped and the body breaks off. */
const farewell = 30_000
const farewellStep = 1_000

/**
 * One response body: frames go in, bytes come out, and it ends once.
 *
 * states   open → ended (nothing is accepted any more; the last bytes may still be on their way)
 * owner    whoever made it writes; `cancel`, the request's signal, the policies and `end` all end it through `#end`
 */
export class EventStream
	implements UnderlyingDefaultSource<Uint8Array>, Beating, Drainable, OutboxOwner
{
	lastBeat = 0
	readonly #options: StreamOptions
	readonly #outbox: Outbox
	readonly #wheel: HeartbeatWheel | undefined
	#unread: Unread | undefined
	#reason: StopReason | undefined
	#rotation: Timer
	#farewell: Timer
	/** Listens to the request's signal, when there is a request. */
	#gone: (() => void) | undefined
	#unwatch: (() => void) | undefined

	constructor(options: StreamOptions) {
		this.#options = options
		this.#outbox = new Outbox(options, this)
		this.#wheel = options.ping === false ? undefined : heartbeatWheel(options.ping)
	}

	/** Makes the response. The stream is open from here on. */
	open(): Response {
		const { request, maxDuration, maxBuffer, ping, headers } = this.#options
		const body = new Body(this, this.#outbox.strategy, maxBuffer)
		this.#wheel?.add(this)
		this.#unread = new Unread(this, body)
		enlist(this)
		this.#unwatch = restartWhenEdited(this)
		if (request) {
			// A signal that is aborted by now may be wrong: when a middleware such as `express.json()` has read the request,
			// SvelteKit 2 takes the end of the request for the end of the connection. Of a client that has left, nobody
			// reads the response, or it is cancelled.
			this.#gone = () => this.cancel()
			request.signal.addEventListener('abort', this.#gone)
		}
		if (maxDuration !== undefined) {
			// Up to a fifth earlier, never later: a platform's own limit must not be hit.
			this.#rotation = clock.setTimeout(
				() => this.end('rotate'),
				maxDuration * (1 - Math.random() / 5)
			)
		}
		// A HEAD request, which SvelteKit hands to GET, has no body: its response would never be finished.
		if (request?.method === 'HEAD') this.cancel()
		return new Response(body, { headers: streamHeaders(ping, headers) })
	}

	/** Why it ended, or undefined while it is open. */
	get reason(): StopReason | undefined {
		return this.#reason
	}

	get buffered(): number {
		return this.#outbox.buffered
	}

	/** Bytes of which a client that reads may be sent at once. */
	get window(): number {
		return this.#outbox.window
	}

	get isFull(): boolean {
		return this.#outbox.isFull
	}

	/** Whether anyone has begun to read. */
	get isRead(): boolean {
		return this.#outbox.isRead
	}

	drained(): Promise<void> {
		return this.#outbox.drained()
	}

	/** Sends one frame of text; what it returns is why it was not taken. */
	write(frame: string): SseError | undefined {
		if (this.#reason) return endedError(this.#reason)
		return this.#marked(this.#outbox.add(frame))
	}

	/** Sends bytes that other streams may share. */
	writeBytes(bytes: Uint8Array): SseError | undefined {
		if (this.#reason) return endedError(this.#reason)
		return this.#marked(this.#outbox.addBytes(bytes))
	}

	/** Ends the response with a last frame that says why. */
	end(reason: CloseReason, retry?: number): void {
		if (!this.#reason) this.#end(reason, closeFrame(reason, retry))
	}

	/** Sends a heartbeat, unless bytes are waiting that say as much. */
	beat(): void {
		if (!this.#reason && this.#outbox.buffered === 0)
			this.#outbox.add(this.#options.heartbeat?.() ?? heartbeatFrame)
	}

	start(controller: ReadableStreamDefaultController<Uint8Array>): void {
		// At once, or the response's headers would wait for the first event.
		this.#outbox.open(controller, helloFrame(this.#options))
	}

	pull(): void {
		this.#outbox.pull()
	}

	cancel(): void {
		clock.clearTimeout(this.#farewell)
		if (this.#reason) this.#outbox.discard()
		else this.#end('gone')
	}

	/** The client reads too slowly. */
	full(): void {
		this.end('slow')
	}

	/** The one way out, for every ending. Without a last frame nobody is there to read one. */
	#end(reason: StopReason, lastFrame?: string): void {
		if (this.#reason) return
		this.#reason = reason
		this.#wheel?.delete(this)
		this.#unread?.forget()
		delist(this)
		this.#unwatch?.()
		clock.clearTimeout(this.#rotation)
		if (this.#gone) this.#options.request?.signal.removeEventListener('abort', this.#gone)
		if (lastFrame === undefined) {
			this.#outbox.discard()
		} else {
			this.#outbox.close(lastFrame)
			this.#waitForLastBytes(endedError(reason), farewell)
		}
		this.#options.ended(reason)
	}

	/** Looks now and then, since a stream does not tell when its last bytes have been taken. */
	#waitForLastBytes(error: SseError, patience: number): void {
		if (this.#outbox.buffered === 0) return
		if (patience <= 0) return this.#outbox.discard(error)
		this.#farewell = clock.setTimeout(
			() => this.#waitForLastBytes(error, patience - farewellStep),
			farewellStep
		)
	}

	/** Bytes that were taken put the heartbeat off. */
	#marked(refused: SseError | undefined): SseError | undefined {
		if (!refused && this.#wheel) this.lastBeat = this.#wheel.position
		return refused
	}
}

/** Looks once, after `unreadLimit`: a handler may have thrown its response away, and then nothing else would end it. */
class Unread implements Beating {
	lastBeat = 0
	readonly #stream: EventStream
	readonly #wheel = heartbeatWheel(unreadLimit)
	/** Held, since of a body that is garbage workerd says that all has been taken. */
	body: ReadableStream | undefined

	constructor(stream: EventStream, body: ReadableStream) {
		this.#stream = stream
		this.body = body
		this.#wheel.add(this)
	}

	beat(): void {
		this.forget()
		if (!this.#stream.isRead) this.#stream.cancel()
	}

	forget(): void {
		this.#wheel.delete(this)
		this.body = undefined
	}
}

export function endedError(reason: StopReason): SseError {
	const why = reason === 'gone' ? 'the client has left' : `reason: ${reason}`
	return new SseError('closed', `The stream has ended (${why}); stop emitting to it.`, {
		reason: reason === 'gone' ? undefined : reason
	})
}
