import { clock } from '../clock.js'
import { SseError, toError, type CloseReason } from '../errors.js'
import type { Control } from '../wire/control.js'
import { decode } from './decode.js'
import type { Loss } from './retry.js'
import { AttemptError, openStream } from './transport.js'
import type { Message, RequestOptions } from './types.js'
import { silentAt } from './watchdog.js'

/** Milliseconds until the response has to be there. */
const connectLimit = 30_000
/** Milliseconds that a response may stay open after its last frame. */
const afterGoodbye = 1_000

/** Who hears what one attempt brings. After `abort()` nothing is heard any more. */
export interface AttemptListener {
	accepted(response: Response): void
	/** Bytes came, whatever they say. */
	bytes(): void
	message(message: Message): void
	id(id: string): void
	gap(): void
	/** One piece of the body has been read. */
	parsed(): void
	/** The deadline may have moved nearer. */
	deadline(): void
	lost(loss: Loss): void
}

/** One request and its response: from the headers to the last byte, and what the server said on the way. */
export class Attempt {
	readonly #abort = new AbortController()
	readonly #startedAt = clock.now()
	readonly #options: RequestOptions
	readonly #watchdog: number | false | undefined
	readonly #listener: AttemptListener
	response: Response | undefined
	#heardAt: number | undefined
	#doubtedAt: number | undefined
	/** The hello frame was seen: the server speaks our protocol. */
	#announced = false
	#ping: number | undefined
	#retry: number | undefined
	#goodbye: { reason: CloseReason; at: number } | undefined

	constructor(
		options: RequestOptions,
		watchdog: number | false | undefined,
		listener: AttemptListener
	) {
		this.#options = options
		this.#watchdog = watchdog
		this.#listener = listener
	}

	async run(lastEventId: string | undefined): Promise<void> {
		const { signal } = this.#abort
		let loss: Loss
		try {
			const { response, body } = await openStream(this.#options, lastEventId, signal)
			if (signal.aborted) return void body.cancel().catch(() => {})
			this.response = response
			this.#heardAt = clock.now()
			this.#listener.accepted(response)
			await this.#read(body, signal)
			loss = this.#ending()
		} catch (thrown) {
			loss = this.#failure(thrown)
		}
		this.#lose(loss)
	}

	/** Gives up; nothing is heard of this attempt any more. */
	abort(): void {
		this.#abort.abort()
	}

	/** Something makes it likely that the link is dead: the next heartbeat is waited for with less patience. */
	doubt(): void {
		this.#doubtedAt = clock.now()
		this.#listener.deadline()
	}

	/** Whether silence means anything on this stream. */
	get isWatched(): boolean {
		return this.#ping !== undefined && this.#watchdog !== false
	}

	/** When the patience with this attempt ends, if nothing is heard until then. */
	get deadline(): number | undefined {
		if (this.#goodbye) return this.#goodbye.at + afterGoodbye
		if (this.#heardAt === undefined) return this.#startedAt + connectLimit
		return silentAt(this.#heardAt, this.#ping, this.#watchdog, this.#doubtedAt)
	}

	/** The deadline has passed. */
	expire(): void {
		if (this.#goodbye) this.#lose(this.#ending())
		else if (this.#heardAt === undefined) this.#lose(timedOut())
		else this.#lose(silent(clock.now() - this.#heardAt))
	}

	async #read(body: ReadableStream<Uint8Array>, signal: AbortSignal): Promise<void> {
		const listener = this.#listener
		let at = 0
		await decode(
			body,
			{
				bytes: () => {
					this.#heardAt = clock.now()
					at = +clock.date()
					listener.bytes()
				},
				// One piece of the body may hold more than its reader wants to hear: closed means closed.
				event: (name, data, id) => {
					if (!signal.aborted) listener.message({ name, data, id, at })
				},
				id: (id) => {
					if (!signal.aborted) listener.id(id)
				},
				retry: (delay) => (this.#retry = delay),
				control: (control) => {
					if (!signal.aborted) this.#control(control)
				},
				parsed: () => {
					if (!signal.aborted) listener.parsed()
				}
			},
			signal
		)
	}

	#control(control: Control): void {
		if (control.kind === 'hello') {
			this.#announced = true
			this.#ping = control.ping
			this.#listener.deadline()
		} else if (!this.#announced) {
			// Only a server that said hello means us.
		} else if (control.kind === 'close') {
			this.#goodbye = { reason: control.reason, at: clock.now() }
			this.#listener.deadline()
		} else this.#listener.gap()
	}

	/** What it means that the body has ended. */
	#ending(): Loss {
		const wait = this.#retry
		if (this.#goodbye) return { ...said(this.#goodbye.reason), wait }
		// A foreign server has no other way to say that its stream is finished.
		if (!this.#announced) return { reason: 'complete' }
		return { ...cut(), wait }
	}

	#failure(thrown: unknown): Loss {
		if (thrown instanceof AttemptError) {
			this.response = thrown.response
			return { reason: thrown.reason, error: thrown.error, wait: thrown.wait }
		}
		return this.#goodbye ? this.#ending() : { ...cut(thrown), wait: this.#retry }
	}

	#lose(loss: Loss): void {
		if (this.#abort.signal.aborted) return
		this.abort()
		this.#listener.lost(loss)
	}
}

/** The server said why it ends the stream. */
function said(reason: CloseReason): Loss {
	if (reason === 'denied')
		return {
			reason,
			error: new SseError(
				'denied',
				'The server ended the stream: this client may not read it any more.',
				{
					reason
				}
			)
		}
	if (reason === 'error')
		return {
			reason,
			error: new SseError(
				'failed',
				'The producer of the stream failed; its error is in the server’s log.',
				{
					reason
				}
			)
		}
	return { reason }
}

function cut(thrown?: unknown): Loss {
	if (thrown instanceof SseError) return { reason: 'cut', error: thrown }
	const how = thrown === undefined ? 'without a last frame' : toError(thrown).message
	return {
		reason: 'cut',
		error: new SseError('cut', `The stream broke off (${how}).`, { cause: thrown })
	}
}

function silent(duration: number): Loss {
	const seconds = Math.round(duration / 1_000)
	const message = `Nothing was heard for ${seconds} s, not even a heartbeat; the connection counts as dead.`
	return { reason: 'silent', error: new SseError('silent', message) }
}

function timedOut(): Loss {
	const message = `No response within ${connectLimit / 1_000} s. The server, or a headers function, hangs.`
	return { reason: 'timeout', error: new SseError('timeout', message) }
}
