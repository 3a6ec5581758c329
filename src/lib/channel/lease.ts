import { clock } from '../clock.js'
import type { Opened, Session } from './feed.js'

/**
 * Keeps something open while anybody holds it, and for the linger after the last has let go, so that a page which takes
 * over from another finds it, and every event with it.
 */
export class Lease {
	readonly #session: Session
	readonly #open: (isQuiet: boolean) => Opened
	readonly #holds = new Set<object>()
	/** There while it is open. */
	#opened: Opened | undefined
	/** Whether it was opened in this very moment, and nothing has come of it yet. */
	#isNew = false
	/** When the last of those left that are lingered for. */
	#leftAt = -Infinity
	/** Calls off the closing that is due. */
	#stay: (() => void) | undefined
	/** Readers that let go after it was over, and that are about to run again, or are gone. */
	readonly #returning = new Set<unknown>()

	/** @param open with `isQuiet`: brings events if there are any, but does not ask for a connection */
	constructor(session: Session, open: (isQuiet: boolean) => Opened) {
		this.#session = session
		this.#open = open
	}

	get isOpen(): boolean {
		return this.#opened !== undefined
	}

	/**
	 * @param reader an effect that holds it, as `reader()` tells them apart
	 * @param isReturning it is one that held it before: when it was over, it does not open it again by running again
	 * @param lingers false: closed with the last hold, since whoever held it has lingered
	 * @returns the release
	 */
	hold(reader?: unknown, isReturning = false, lingers = true): () => void {
		const hold = {}
		this.#holds.add(hold)
		this.#stay?.()
		this.#stay = undefined
		if (!this.#opened) this.#begin(isReturning)
		else if (!isReturning) this.#opened.renew()
		return () => {
			if (!this.#holds.delete(hold)) return
			if (reader !== undefined && this.#session.isOver()) this.#remember(reader)
			if (lingers && !this.#isNew) this.#leftAt = clock.now()
			if (this.#holds.size > 0) return
			if (lingers || this.#lingering > 0) this.#endLater()
			else this.#end()
		}
	}

	/** Whether this reader has just let go of what was over: then it is the same one, which runs again, at times twice. */
	isReturning(reader: unknown): boolean {
		return this.#returning.has(reader)
	}

	/** Somebody wants what this lease keeps open. */
	renew(): void {
		this.#opened?.renew()
	}

	/** Does not linger any more. */
	endUnheld(): void {
		if (this.#holds.size === 0) this.#end()
	}

	#begin(isQuiet: boolean): void {
		this.#leftAt = -Infinity
		this.#isNew = true
		queueMicrotask(() => (this.#isNew = false))
		// To open it may call the user, who may hold it and ask for it again; whoever opens it cannot let go before it is open.
		let isWanted = false
		this.#opened = { renew: () => (isWanted = true), close() {} }
		const opened = this.#open(isQuiet)
		this.#opened = opened
		if (isWanted) opened.renew()
	}

	#remember(reader: unknown): void {
		this.#returning.add(reader)
		// It runs again at once, or never.
		queueMicrotask(() => this.#returning.delete(reader))
	}

	/** Milliseconds that it still lingers, once nobody holds it. */
	get #lingering(): number {
		return this.#leftAt + this.#session.linger() - clock.now()
	}

	#endLater(): void {
		let isOff = false
		let timer: unknown
		this.#stay?.()
		this.#stay = () => {
			isOff = true
			clock.clearTimeout(timer)
		}
		// Most readers that let go run again in the same moment, at each event.
		queueMicrotask(() => {
			if (isOff) return
			const linger = this.#lingering
			if (linger > 0) timer = clock.setTimeout(() => this.#end(), linger)
			else this.#end()
		})
	}

	#end(): void {
		this.#stay?.()
		const opened = this.#opened
		this.#opened = this.#stay = undefined
		opened?.close()
	}
}
