import { isPromise } from '../contract/schema.js'
import type { Contract } from '../contract/types.js'
import { SseError } from '../errors.js'
import type { LinkOptions, Message } from '../link/types.js'
import { Attempts, type AttemptsListener } from './attempts.js'
import type { ReadOptions } from './options.js'
import type { Requests } from './requests.js'

/** An event, without the types of its contract. */
export interface LoopEvent {
	name: string
	data: unknown
	id: string | undefined
}

/** The options of the loop; those of its connection are the options of a link. */
export interface LoopOptions extends Pick<ReadOptions, 'signal' | 'gap' | 'error' | 'open'> {
	events?: Contract<unknown> | undefined
	until?: string | ((event: LoopEvent) => boolean) | undefined
}

/** What waits for the loop: an event, or a callback that has its place between two events. */
type Step = Message | (() => unknown)

/** An event, if there is one, or the end of the loop. */
type Taken = LoopEvent | typeof over | undefined

/** Stands for the event that `until` found: the loop ends before it. */
const over = Symbol()

/**
 * Gives the events of a connection one by one. While an event waits, nothing more is read.
 *
 * 1. The first `next()` starts the attempts.
 * 2. Each piece of the stream brings steps. The connection waits until the last of them is taken.
 * 3. The loop takes a step, makes an event of it, and asks `until`.
 * 4. Whatever ends the loop closes the connection, by `close()`.
 */
export class Loop implements AttemptsListener {
	readonly #options: LoopOptions
	readonly #requests: Requests
	readonly #attempts: Attempts
	readonly #closed: () => void
	/** Aborted when the loop is over. */
	readonly #over = new AbortController()
	#steps: Step[] = []
	/** There when nothing comes any more. */
	#end: { error: unknown } | undefined
	/** Something has come for the loop. */
	#wake = (): void => {}
	/** The connection may read on. */
	#letRead = (): void => {}
	/** Waits no longer for a slow schema or callback. */
	#giveUp = (): void => {}

	/** @param closed called when the connection is closed */
	constructor(options: LoopOptions, requests: Requests & LinkOptions, closed = (): void => {}) {
		this.#options = options
		this.#requests = requests
		requests.followed = this.#follow
		this.#attempts = new Attempts(requests, this)
		this.#closed = closed
	}

	async *events(): AsyncGenerator<LoopEvent, undefined> {
		try {
			this.#follow(this.#options.signal)
			this.#follow(this.#requests.signal)
			if (!this.#end) this.#attempts.start()
			for (;;) {
				while (!this.#steps[0] && !this.#end)
					await new Promise<void>((resolve) => (this.#wake = resolve))
				const step = this.#steps[0]
				if (!step) break
				const taken = this.#take(step)
				const event = isPromise(taken) ? await this.#unlessClosed(taken) : taken
				if (event === over) return
				// The loop may be over meanwhile.
				if (step !== this.#steps[0]) continue
				this.#steps.shift()
				if (!this.#steps[0]) this.#letRead()
				if (event) yield event
			}
			if (this.#end?.error) throw this.#end.error
		} finally {
			this.close()
		}
	}

	/** Ends the loop at once, and drops what waits. */
	close(error?: unknown): void {
		this.#steps = []
		this.#attempts.stop()
		this.ended(error)
		this.#over.abort()
		this.#giveUp()
		this.#letRead()
		this.#closed()
	}

	/**
	 * Ends the loop when a signal is aborted.
	 *
	 * @param until ends the listening
	 */
	readonly #follow = (signal: AbortSignal | undefined, until = this.#over.signal): void => {
		const abort = (): void => {
			if (!this.#end || this.#steps[0])
				this.close(new SseError('aborted', 'aborted', { cause: signal!.reason }))
		}
		if (signal?.aborted) abort()
		else signal?.addEventListener('abort', abort, { signal: until })
	}

	readonly message = (step: Step): void => {
		if (!this.#end) this.#steps.push(step)
		this.#wake()
	}

	readonly opened = (response: Response, resumed: boolean | undefined): void => {
		const { open } = this.#options
		if (open) this.message(() => open({ response, resumed }))
	}

	readonly gap = (): void => {
		const { gap } = this.#options
		if (gap) this.message(gap)
	}

	readonly parsed = (): Promise<void> | void => {
		if (this.#steps[0]) return new Promise((resolve) => (this.#letRead = resolve))
	}

	readonly failed = (error: SseError): void => {
		try {
			this.#options.error?.(error)
		} catch (thrown) {
			this.close(thrown)
		}
	}

	readonly ended = (error: unknown): void => {
		this.#end = { error }
		this.#wake()
	}

	/** Makes an event of a message, or calls a callback. */
	#take(step: Step): Taken | Promise<Taken> {
		if (typeof step === 'function') {
			const result = step()
			return isPromise(result) ? result.then(() => undefined) : undefined
		}
		const { events, until } = this.#options
		const { name: given, data: text } = step
		if (text === until) return over
		const name = given || 'message'
		if (events && !events.has(name)) return undefined
		let data: unknown = text
		try {
			if (events) data = events.decode(name, text)
		} catch (thrown) {
			return this.#unreadable(thrown)
		}
		return isPromise(data)
			? data.then((data) => this.#make(name, data, step), this.#unreadable)
			: this.#make(name, data, step)
	}

	#make(name: string, data: unknown, { id }: Message): Taken {
		const { until } = this.#options
		const event = { name, data, id }
		return typeof until === 'function' && until(event) ? over : event
	}

	readonly #unreadable = (thrown: unknown): undefined => {
		const { error } = this.#options
		if (!error) throw thrown
		error(thrown as SseError)
	}

	/** A signal, or `return()`, does not wait for what takes its time. */
	#unlessClosed(taken: Promise<Taken>): Promise<Taken> {
		return new Promise((resolve, reject) => {
			this.#giveUp = () => resolve(undefined)
			if (this.#over.signal.aborted) this.#giveUp()
			taken.then(resolve, reject)
		})
	}
}
