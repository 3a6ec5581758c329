import { BROWSER, DEV } from 'esm-env'
import { clock } from '../clock.js'
import { internalsOf } from '../contract/internals.js'
import { SseError, toError, type CloseReason, type SseErrorCode } from '../errors.js'
import type { Control } from '../wire/control.js'
import { announcementHeader, isSendable, parseAnnouncement } from '../wire/headers.js'
import { decode } from './decode.js'
import { parseRetryAfter, type Loss } from './retry.js'
import { request } from './transport.js'
import type { LinkOptions, Message, Reason } from './types.js'
import { silentAt } from './watchdog.js'

/** Milliseconds that the start of a refused response's body may take: its status alone tells most. */
const refusalLimitMs = 1_000
/** Milliseconds that a response may stay open after its last frame. */
const afterGoodbyeMs = 1_000

/** Hears what one attempt brings. After `abort()` nothing is heard any more. */
export interface AttemptListener {
	/** The stream is open. */
	accepted(): void
	/** The stream does not go on behind the id that was asked for, or none was: it starts over. */
	fresh(): void
	/** Bytes came, whatever they say. */
	bytes(): void
	message(message: Message): void
	id(id: string): void
	/** @param delay milliseconds of a `retry:` field */
	retry(delay: number): void
	gap(): void
	/** One piece of the body has been read; nothing more is read until the promise resolves. */
	parsed(): Promise<void> | void
	/** The deadline may have moved nearer. */
	deadline(): void
	lost(loss: Loss): void
}

/** Where an attempt is: each step has what only it needs. */
type Step =
	| { kind: 'asking'; until: number }
	/** The start of a refused response's body is being read. */
	| { kind: 'refused'; until: number; giveUp: () => void }
	/** @property isOpen whether the listener has been told of the response */
	| { kind: 'reading'; isOpen: boolean }
	/** The last frame has come. */
	| { kind: 'leaving'; until: number; reason: CloseReason }

/** One request and its response: from the headers to the last byte, and what the server said on the way. */
export class Attempt {
	response: Response | undefined
	readonly #abort = new AbortController()
	/** As the signal says; asking the signal costs too much at every event. */
	#isOver = false
	#step: Step
	readonly #options: LinkOptions
	readonly #listener: AttemptListener
	readonly #lastEventId: string | undefined
	/** What the stream has said of itself. */
	readonly #said: Said = {
		hasRetry: false,
		hasIds: false,
		events: 0
	}
	/** When something gave reason to look closer, and when that was a timer that sleep had held up. */
	#doubt = { at: -Infinity, wokenAt: -Infinity }
	/** When something was last heard of the server, by the clock. */
	#heardAt = clock.now()
	/** Whether the listener has not taken yet what was read: the silence is this side's. */
	#isBehind = false

	constructor(options: LinkOptions, lastEventId: string | undefined, listener: AttemptListener) {
		this.#options = options
		this.#listener = listener
		this.#lastEventId = lastEventId || undefined
		this.#step = { kind: 'asking', until: clock.now() + options.connectTimeout }
		void this.#run()
	}

	/** Whether the stream goes on behind the id that was asked for; undefined: it has not said so. */
	get resumed(): boolean | undefined {
		return this.#said.announced?.kind && this.#said.resumed
	}

	/** Gives up; nothing is heard of this attempt any more. */
	abort(): void {
		this.#isOver = true
		this.#abort.abort()
		if (this.#step.kind === 'refused') this.#step.giveUp()
	}

	/** Something makes it likely that the link is dead: the next heartbeat is awaited with less patience. */
	doubt(): void {
		// Once in a silence: what happens again and again must not keep a dead link.
		if (this.#heardAt > this.#doubt.at) this.#suspect()
	}

	/**
	 * A timer came late: the machine has slept, and bytes may wait to be read. Blame sleep once per silence: hidden tabs
	 * delay every timer, and a dead link must still be dropped.
	 */
	wake(): void {
		if (this.#heardAt < this.#doubt.wokenAt) return
		this.#doubt.wokenAt = clock.now()
		this.#suspect()
	}

	#suspect(): void {
		this.#doubt.at = clock.now()
		this.#listener.deadline()
	}

	/** When the patience with this attempt ends, if nothing is heard until then. */
	get deadline(): number | undefined {
		if (this.#isBehind) return undefined
		if (this.#step.kind !== 'reading') return this.#step.until
		return silentAt(
			this.#heardAt,
			this.#said.announced?.ping,
			this.#options.watchdog,
			this.#doubt.at
		)
	}

	/** The deadline has passed. */
	expire(): void {
		if (this.#step.kind === 'refused') {
			this.#step.until = Infinity
			return this.#step.giveUp()
		}
		if (this.#step.kind === 'leaving') return this.#lose(this.#ending(true))
		this.#lose(this.#failed(this.#step.kind === 'asking' ? 'timeout' : 'silent'))
	}

	async #run(): Promise<void> {
		const { signal } = this.#abort
		const refused = (giveUp: () => void): void => {
			this.#step = { kind: 'refused', until: clock.now() + refusalLimitMs, giveUp }
			// The `fetch` of a user may not have heard the abort.
			if (this.#isOver) giveUp()
			else this.#listener.deadline()
		}
		const answer = await request(this.#options, this.#lastEventId, signal, refused)
		const { response, body, reason, error, isFinal } = answer
		if (signal.aborted) return void body?.cancel().catch(() => {})
		this.response = response
		if (!body) {
			const bind = parseRetryAfter(response?.headers.get('retry-after'), +clock.date())
			return this.#lose({ reason: reason!, error, bind, isFinal })
		}
		this.#heardAt = clock.now()
		this.#step = { kind: 'reading', isOpen: false }
		this.#said.announced = parseAnnouncement(response!.headers.get(announcementHeader))
		// A stream that announced itself is open with its first frame: a proxy may have sent the headers, and hold the body.
		if (this.#said.announced) this.#listener.deadline()
		else this.#accept()
		try {
			this.#lose(this.#ending(await this.#read(body, signal)))
		} catch (thrown) {
			this.#lose(this.#hasLeft ? this.#ending(true) : this.#failed('cut', thrown))
		}
	}

	/** Whether the server has said that the stream ends. */
	get #hasLeft(): boolean {
		return this.#step.kind === 'leaving'
	}

	/** The stream is open; of one that has not announced itself nobody knows more. */
	#accept(): void {
		if (this.#step.kind !== 'reading' || this.#step.isOpen) return
		this.#step.isOpen = true
		this.#listener.accepted()
	}

	#read(body: ReadableStream<Uint8Array>, signal: AbortSignal): Promise<boolean> {
		const listener = this.#listener
		const said = this.#said
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
					if (this.#isOver) return
					if (said.resumed === undefined && !this.#start()) return
					said.events++
					listener.message({ name, data, id, at })
				},
				id: unless((id) => {
					if (said.resumed === undefined && !this.#start()) return
					said.hasIds = true
					listener.id(id)
				}),
				retry: unless((delay) => {
					said.hasRetry = true
					listener.retry(delay)
				}),
				control: unless((control) => this.#control(control)),
				parsed: () => this.#parsed()
			},
			signal
		)
	}

	#parsed(): Promise<void> | void {
		if (this.#isOver) return
		this.#accept()
		const room = this.#listener.parsed()
		if (!room) return
		this.#isBehind = true
		return room.then(() => {
			this.#isBehind = false
			this.#heardAt = clock.now()
			if (!this.#isOver) this.#listener.deadline()
		})
	}

	/**
	 * Before the first event, or the hello frame: whether the stream goes on where the last one was lost.
	 *
	 * @returns false: whoever heard that has given the attempt up
	 */
	#start(resumed = isSendable(this.#lastEventId)): boolean {
		this.#said.resumed = resumed
		if (!resumed) this.#listener.fresh()
		if (!this.#isOver) this.#accept()
		return !this.#isOver
	}

	#control(control: Control): void {
		if (control.kind === 'hello') return this.#hello(control)
		// Only a server that said hello means us.
		if (!this.#said.announced?.kind) return
		if (control.kind === 'gap') return this.#listener.gap()
		this.#step = {
			kind: 'leaving',
			until: clock.now() + afterGoodbyeMs,
			reason: control.reason
		}
		this.#listener.deadline()
	}

	#hello(hello: Control & { kind: 'hello' }): void {
		if (this.#said.announced?.kind) return
		this.#said.announced = hello
		const refusal = internalsOf(this.#options.events)?.refuse(hello.events)
		if (refusal) return this.#lose(refusal)
		if (this.resumed === undefined && !this.#start(hello.resumed)) return
		if (this.#lastEventId !== undefined && !hello.resumed) this.#listener.gap()
		this.#listener.deadline()
	}

	/** @param isBetween whether the body ended between two events */
	#ending(isBetween: boolean): Loss {
		const { announced, events, hasIds, hasRetry } = this.#said
		const isOrderly = events > 0
		if (this.#step.kind === 'leaving') {
			const { reason } = this.#step
			if (reason === 'denied') return this.#failed(reason)
			if (reason === 'error') return this.#failed('failed', undefined, reason)
			return { reason, isOrderly }
		}
		if (announced || !isBetween) return this.#failed('cut')
		// A foreign server has no other way to say that its stream is finished. With ids or `retry:` it means the stream to be
		// continued, as the standard has it.
		const isPartial = hasIds || hasRetry || this.#lastEventId !== undefined
		return { reason: 'complete', isOrderly, isPartial }
	}

	#failed(code: SseErrorCode, cause?: unknown, reason: Reason = code as Reason): Loss {
		if (cause instanceof SseError) return { reason, error: cause }
		const message = ((DEV || !BROWSER) && explanations[code]) || code
		const error = new SseError(code, cause ? `${message}: ${toError(cause).message}` : message, {
			cause,
			reason: reason === 'denied' || reason === 'error' ? reason : undefined
		})
		return { reason, error }
	}

	#lose(loss: Loss): void {
		if (this.#isOver) return
		this.abort()
		this.#listener.lost(loss)
	}
}

/** What a stream has said of itself, by its headers, its hello frame and its fields. */
interface Said {
	/** There for a stream of ours: what the header says, and then the hello frame, which has a `kind`. */
	announced?: { kind?: 'hello'; ping: number | undefined } | undefined
	hasRetry: boolean
	hasIds: boolean
	events: number
	/** Whether the stream goes on behind the id that was asked for; undefined: it has not said yet. */
	resumed?: boolean
}

const explanations: Partial<Record<SseErrorCode, string>> = {
	cut: 'The stream broke off without a last frame',
	silent: 'Nothing was heard for too long, not even a heartbeat',
	timeout: 'No response within `connectTimeout`; the server, or a headers function, hangs',
	denied: 'The server ended the stream: this client may not read it any more',
	failed: 'The producer of the stream failed; its error is in the log of the server'
}
