import { clock, type Timer } from '../clock.js'
import { SseError, toError } from '../errors.js'
import type { BrokerBase } from '../hub/broker-base.js'
import type { Cursor } from '../hub/broker.js'
import { isAway, pause, retryDelay, UndecidedError, UnsentError } from './deadline.js'

/** An entry as its engine takes it. */
export interface Prepared {
	/** About how much memory, or how much of one message, it takes. */
	readonly bytes: number
}

/** Entries that are stored together, or not at all. */
export interface Batch<P extends Prepared> {
	/**
	 * The number of the batch among those of its queue, from 1. A batch that is tried again has the same number, by
	 * which the engine knows that it has stored it already.
	 */
	readonly number: number
	readonly entries: readonly P[]
}

export interface AppendQueueOptions<P extends Prepared> {
	/** Milliseconds within which the engine has to answer. */
	readonly timeout: number
	/** The most bytes of a batch, unless one entry alone has more. */
	readonly maxBytes: () => number
	/**
	 * Stores a batch; rejects with `network` or `timeout` if it is unknown whether it did. It is called again then,
	 * unless that will never be known (`UndecidedError`).
	 */
	readonly write: (batch: Batch<P>) => Promise<Cursor[]>
}

/**
 * One call of `append`.
 *
 * states   queued ──▶ under way ──▶ settled; when its time is over it is settled wherever it is
 *            ▲             └── its batch was refused: alone from here
 *            └─────────────┘
 */
interface Job<P extends Prepared> {
	readonly entries: readonly P[]
	readonly bytes: number
	readonly waits: boolean
	/** When trying again ends, by `clock.now()`. */
	readonly until: number
	/** It shares no batch, since one that it was in was refused. */
	isAlone: boolean
	isSettled: boolean
	resolve(cursors: Cursor[]): void
	reject(error: Error): void
}

const maxEntries = 500
/** Milliseconds for which every engine knows for certain which batch it has stored last. */
const maxDoubtMs = 12 * 3_600_000
/** Bytes that may wait for the engine; more would only grow while it is away. */
const maxWaitingBytes = 32 * 1024 * 1024

/**
 * Brings appends to the engine, one batch at a time: what comes while one is under way leaves with the next. That
 * keeps the order of this process, makes a retry recognisable by one number, and costs a round trip per batch, not
 * per event.
 *
 * Each append settles within its `wait` and `timeout`, whatever the engine does.
 */
export class AppendQueue<P extends Prepared> {
	readonly #broker: BrokerBase
	readonly #options: AppendQueueOptions<P>
	readonly #ended = new AbortController()
	#jobs: Job<P>[] = []
	/** Those of the batch that is under way. */
	#current: Job<P>[] = []
	#bytes = 0
	#isRunning = false
	#batches = 0
	/** Set while a batch that may wait meets an absent engine. */
	#away: SseError | undefined
	#timer: Timer
	/** When the timer fires, by `clock.now()`. */
	#alarm = Infinity

	constructor(broker: BrokerBase, options: AppendQueueOptions<P>) {
		this.#broker = broker
		this.#options = options
	}

	async append(entries: readonly P[], wait = 0): Promise<Cursor[]> {
		// Behind one that waits for the engine there is nothing to be had; it would only learn that later.
		if (this.#away && wait <= 0) throw this.#away
		const bytes = sum(entries)
		if (bytes > maxWaitingBytes) throw tooLarge(bytes)
		if (this.#bytes + bytes > maxWaitingBytes) throw overflow(this.#bytes)
		const parts = [...split(entries, this.#options.maxBytes())]
		const cursors = await Promise.all(parts.map((part) => this.#add(part, wait)))
		return cursors.flat()
	}

	#add(entries: readonly P[], wait: number): Promise<Cursor[]> {
		const bytes = sum(entries)
		this.#bytes += bytes
		return new Promise((resolve, reject) => {
			// No number at all is no wait.
			const until = clock.now() + (wait > 0 ? wait : 0)
			const state = { isAlone: false, isSettled: false }
			this.#jobs.push({ entries, bytes, waits: wait > 0, until, ...state, resolve, reject })
			this.#wakeAt(until + this.#options.timeout)
			if (this.#isRunning) return
			this.#isRunning = true
			// Later in the same tick: a loop of publishes becomes one batch.
			queueMicrotask(() => void this.#run())
		})
	}

	close(error: SseError): void {
		const jobs = [...this.#current, ...this.#jobs]
		this.#jobs = []
		this.#ended.abort()
		this.#sleep()
		for (const job of jobs) settle(job, error)
	}

	async #run(): Promise<void> {
		while (this.#jobs.length) {
			this.#current = this.#take()
			await this.#store(this.#current)
			this.#current = []
			this.#away = undefined
		}
		this.#isRunning = false
		this.#sleep()
	}

	/** The next jobs; those that wait never share a batch with those that do not. */
	#take(): Job<P>[] {
		const maxBytes = this.#options.maxBytes()
		let [count, entries, bytes] = [0, 0, 0]
		for (const job of this.#jobs) {
			entries += job.entries.length
			bytes += job.bytes
			const isFull = entries > maxEntries || bytes > maxBytes || job.isAlone
			if (job.waits !== this.#jobs[0]!.waits || (count > 0 && isFull)) break
			count++
			if (job.isAlone) break
		}
		return this.#jobs.splice(0, count)
	}

	async #store(jobs: Job<P>[]): Promise<void> {
		const batch = { number: ++this.#batches, entries: jobs.flatMap(({ entries }) => entries) }
		try {
			const cursors = await this.#try(batch, jobs)
			let at = 0
			for (const job of jobs) {
				settle(job, cursors.slice(at, (at += job.entries.length)))
			}
		} catch (thrown) {
			const error = toError(thrown)
			if (jobs.length > 1 && !isAway(error) && !this.#broker.closed) {
				// The engine refused the batch for good; whose fault that is shows when each goes alone.
				for (const job of jobs) job.isAlone = true
				this.#jobs.unshift(...jobs)
				return this.#drop()
			}
			for (const job of jobs) settle(job, error)
		}
		for (const { bytes } of jobs) this.#bytes -= bytes
	}

	async #try(batch: Batch<P>, jobs: Job<P>[]): Promise<Cursor[]> {
		const since = clock.now()
		/** Whether the engine may have stored it already. */
		let isDoubtful = false
		for (let failures = 0; ; failures++) {
			if (this.#broker.closed) throw this.#broker.closedError()
			try {
				const cursors = await this.#options.write(batch)
				this.#broker.worked()
				return cursors
			} catch (error) {
				if (this.#broker.closed) throw this.#broker.closedError()
				if (!isAway(error)) throw isDoubtful ? new UndecidedError(refused, error) : error
				if (error instanceof UndecidedError) throw error
				isDoubtful ||= !(error instanceof UnsentError)
				this.#broker.failed(error as SseError)
				const until = Math.max(...jobs.map((job) => (job.isSettled ? 0 : job.until)))
				if (until <= clock.now()) throw error
				this.#away = error as SseError
				this.#turnAway()
				const delay = Math.min(retryDelay(failures), until - clock.now())
				await pause(delay, this.#ended.signal)
				this.#turnAway()
				// Their callers were told that it failed, and may publish again.
				if (jobs.every(({ isSettled }) => isSettled)) throw error
				if (clock.now() - since > maxDoubtMs) throw new UndecidedError(forgotten, error)
			}
		}
	}

	/** The engine is away: rejects those that do not want to wait for it, or not any longer. */
	#turnAway(): void {
		const now = clock.now()
		const cause = this.#away
		for (const job of [...this.#current, ...this.#jobs]) {
			if (!job.waits) settle(job, cause!)
			else if (job.until <= now) settle(job, new SseError('timeout', stayedAway, { cause }))
		}
		this.#drop()
	}

	/** Forgets those in the queue that are settled. */
	#drop(): void {
		for (const job of this.#jobs) if (job.isSettled) this.#bytes -= job.bytes
		this.#jobs = this.#jobs.filter(({ isSettled }) => !isSettled)
	}

	/** Settles those whose time is over, and looks again when that of the next is. */
	#expire(): void {
		this.#sleep()
		const { timeout } = this.#options
		// Those of one moment at once: to look through a long queue for each of them would keep the process busy.
		const soon = clock.now() + timeout / 100
		const errors = {
			stayedAway: once(() => new SseError('timeout', stayedAway, { cause: this.#away })),
			hung: once(() => new SseError('timeout', hung(timeout), { cause: this.#away }))
		}
		for (const job of [...this.#current, ...this.#jobs]) {
			if (job.isSettled) continue
			if (job.until + timeout > soon) {
				this.#wakeAt(job.until + timeout)
				continue
			}
			const error = job.waits ? errors.stayedAway() : errors.hung()
			settle(job, error)
			if (this.#current.includes(job)) this.#broker.failed(error)
		}
		this.#drop()
	}

	/** One timer for all, set to the first of them. */
	#wakeAt(time: number): void {
		if (time >= this.#alarm || this.#broker.closed) return
		this.#sleep()
		this.#alarm = time
		this.#timer = clock.setTimeout(() => this.#expire(), Math.max(0, time - clock.now()))
	}

	#sleep(): void {
		clock.clearTimeout(this.#timer)
		this.#timer = undefined
		this.#alarm = Infinity
	}
}

function once<T>(make: () => T): () => T {
	let made: T | undefined
	return () => (made ??= make())
}

const refused =
	'The engine did not answer, and refused another try; whether the event was stored is not known.'
const forgotten =
	'The engine did not answer for so long that it may have forgotten whether it stored the event.'
const stayedAway = 'The broker stayed away for as long as `wait` allows; give more, or try again.'

function hung(timeout: number): string {
	return `The broker did not answer within ${timeout} ms; see whether it is reachable, or publish less at once.`
}

function tooLarge(bytes: number): SseError {
	const message = `An append of ${bytes} bytes is more than the broker ever takes (${maxWaitingBytes}); send references to the data.`
	return new SseError('too-large', message)
}

function overflow(bytes: number): SseError {
	const message = `${bytes} bytes wait for the broker, more do not fit (at most ${maxWaitingBytes}); publish less, or try later.`
	return new SseError('overflow', message)
}

/** Parts that each fit into a batch. */
function* split<P extends Prepared>(entries: readonly P[], maxBytes: number): Iterable<P[]> {
	let part: P[] = []
	let bytes = 0
	for (const entry of entries) {
		bytes += entry.bytes
		if (part.length === maxEntries || (part.length > 0 && bytes > maxBytes)) {
			yield part
			part = []
			bytes = entry.bytes
		}
		part.push(entry)
	}
	if (part.length > 0) yield part
}

function sum(entries: readonly Prepared[]): number {
	return entries.reduce((total, { bytes }) => total + bytes, 0)
}

function settle<P extends Prepared>(job: Job<P>, outcome: Cursor[] | Error): void {
	if (job.isSettled) return
	job.isSettled = true
	if (outcome instanceof Error) job.reject(outcome)
	else job.resolve(outcome)
}
