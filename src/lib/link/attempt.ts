import { DEV } from 'esm-env'
import { clock } from '../clock.js'
import { SseError, toError, type CloseReason, type SseErrorCode } from '../errors.js'
import type { Control } from '../wire/control.js'
import { decode } from './decode.js'
import { parseRetryAfter, type Loss } from './retry.js'
import { request } from './transport.js'
import type { LinkOptions, Message, Reason } from './types.js'
import { silentAt } from './watchdog.js'

/** Milliseconds until the response has to be there. */
const connectLimit = 30_000
/** Milliseconds that the start of a refused response's body may take: its status alone tells most. */
const refusalLimit = 1_000
/** Milliseconds that a response may stay open after its last frame. */
const afterGoodbye = 1_000

/** Who hears what one attempt brings. After `abort()` nothing is heard any more. */
export interface AttemptListener {
	accepted(): void
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
	response: Response | undefined
	readonly #abort = new AbortController()
	/** What the signal says too, at a price that is felt with every event. */
	#isOver = false
	/** When the response has to be there; if it is refused, when the start of its body has to be. */
	#answerBy = clock.now() + connectLimit
	/** Ends the reading of a refused response's body, with what has come of it. */
	#giveUp: (() => void) | undefined
	readonly #options: LinkOptions
	readonly #listener: AttemptListener
	#heardAt: number | undefined
	#doubtedAt: number | undefined
	#wokenAt = -Infinity
	/** There once the hello frame was seen: the server speaks our protocol. */
	#hello: { ping: number | undefined } | undefined
	#retry: number | undefined
	#goodbye: { reason: CloseReason; at: number } | undefined

	constructor(options: LinkOptions, lastEventId: string | undefined, listener: AttemptListener) {
		this.#options = options
		this.#listener = listener
		void this.#run(options, lastEventId)
	}

	/** Gives up; nothing is heard of this attempt any more. */
	abort(): void {
		this.#isOver = true
		this.#abort.abort()
		this.#giveUp?.()
	}

	/** Something makes it likely that the link is dead: the next heartbeat is waited for with less patience. */
	doubt(): void {
		this.#doubtedAt = clock.now()
		this.#listener.deadline()
	}

	/**
	 * A timer came late: the machine has slept, and bytes may wait to be read. It is put down to sleep once in one silence
	 * only, for in a hidden tab every timer is late, and a dead link would be spared for ever.
	 */
	wake(): void {
		if (this.#heardAt! < this.#wokenAt) return
		this.#wokenAt = clock.now()
		this.doubt()
	}

	/** Whether silence means anything on this stream. */
	get isWatched(): boolean {
		return !!this.#hello?.ping && this.#options.watchdog !== false
	}

	/** When the patience with this attempt ends, if nothing is heard until then. */
	get deadline(): number | undefined {
		if (this.#goodbye) return this.#goodbye.at + afterGoodbye
		if (this.#heardAt === undefined) return this.#answerBy
		return silentAt(this.#heardAt, this.#hello?.ping, this.#options.watchdog, this.#doubtedAt)
	}

	/** The deadline has passed. */
	expire(): void {
		if (this.#giveUp) return this.#giveUp()
		const code = this.#heardAt === undefined ? 'timeout' : 'silent'
		this.#lose(this.#goodbye ? this.#ending() : failed(code))
	}

	async #run(options: LinkOptions, lastEventId: string | undefined): Promise<void> {
		const { signal } = this.#abort
		const { response, body, reason, error } = await request(
			options,
			lastEventId,
			signal,
			(giveUp) => {
				this.#giveUp = giveUp
				this.#answerBy = clock.now() + refusalLimit
				// The `fetch` of a user may not have heard the abort.
				if (this.#isOver) giveUp()
				else this.#listener.deadline()
			}
		)
		if (signal.aborted) return void body?.cancel().catch(() => {})
		this.response = response
		if (!body) {
			const wait = parseRetryAfter(response?.headers.get('retry-after'), +clock.date())
			return this.#lose({ reason: reason!, error, wait })
		}
		this.#heardAt = clock.now()
		this.#listener.accepted()
		try {
			await this.#read(body, signal)
			this.#lose(this.#ending())
		} catch (thrown) {
			this.#lose(this.#goodbye ? this.#ending() : failed('cut', thrown, this.#retry))
		}
	}

	#read(body: ReadableStream<Uint8Array>, signal: AbortSignal): Promise<void> {
		const listener = this.#listener
		let at = 0
		// One piece of the body may hold more than its reader wants to hear: closed means closed.
		const unless = <A extends unknown[]>(hear: (...values: A) => void) => {
			return (...values: A): void => {
				if (!this.#isOver) hear(...values)
			}
		}
		return decode(
			body,
			{
				bytes: () => {
					this.#heardAt = clock.now()
					at = +clock.date()
					listener.bytes()
				},
				event: (name, data, id) => {
					if (!this.#isOver) listener.message({ name, data, id, at })
				},
				id: unless(listener.id),
				retry: (delay) => (this.#retry = delay),
				control: unless((control) => this.#control(control)),
				parsed: unless(listener.parsed)
			},
			signal
		)
	}

	#control(control: Control): void {
		if (control.kind === 'hello') {
			this.#hello = control
			const refusal = this.#options.events?.refuse(control.events)
			if (refusal) return this.#lose(refusal)
		} else if (!this.#hello) {
			// Only a server that said hello means us.
			return
		} else if (control.kind === 'gap') return this.#listener.gap()
		else this.#goodbye = { reason: control.reason, at: clock.now() }
		this.#listener.deadline()
	}

	/** What it means that the body has ended. */
	#ending(): Loss {
		const reason = this.#goodbye?.reason
		if (reason === 'denied') return failed(reason)
		if (reason === 'error') return failed('failed', undefined, this.#retry, reason)
		if (reason) return { reason, wait: this.#retry }
		// A foreign server has no other way to say that its stream is finished.
		return this.#hello ? failed('cut', undefined, this.#retry) : { reason: 'complete' }
	}

	#lose(loss: Loss): void {
		if (this.#isOver) return
		this.abort()
		this.#listener.lost(loss)
	}
}

const explanations: Partial<Record<SseErrorCode, string>> = DEV
	? {
			cut: 'The stream broke off without a last frame',
			silent: 'Nothing was heard for too long, not even a heartbeat',
			timeout: `No response within ${connectLimit / 1_000} s; the server, or a headers function, hangs`,
			denied: 'The server ended the stream: this client may not read it any more',
			failed: 'The producer of the stream failed; its error is in the log of the server'
		}
	: {}

function failed(
	code: SseErrorCode,
	cause?: unknown,
	wait?: number,
	reason: Reason = code as Reason
): Loss {
	if (cause instanceof SseError) return { reason, error: cause, wait }
	const message = explanations[code] ?? code
	const error = new SseError(code, cause ? `${message}: ${toError(cause).message}` : message, {
		cause,
		reason: reason === 'denied' || reason === 'error' ? reason : undefined
	})
	return { reason, error, wait }
}
