import { clock } from '../clock.js'
import { SseError, toError } from '../errors.js'
import type { BrokerBase } from '../hub/broker-base.js'
import type { Cursor, Entry } from '../hub/broker.js'
import { isAway, pause, retryDelay } from './deadline.js'

/** Entries that are stored together, or not at all. */
export interface Batch {
	/**
	 * The number of the batch among those of its queue, from 1. A batch that is tried again has the same number, by
	 * which the engine knows that it has stored it already.
	 */
	readonly number: number
	readonly entries: readonly Entry[]
}

/** Stores a batch; rejects with `network` or `timeout` if it is unknown whether it did. */
export type Write = (batch: Batch) => Promise<Cursor[]>

interface Job {
	readonly entries: readonly Entry[]
	/** When waiting ends, by `clock.now()`; `undefined` if it does not wait. */
	readonly deadline: number | undefined
	settled: boolean
	resolve(cursors: Cursor[]): void
	reject(error: Error): void
}

const maxEntries = 500
const maxCharacters = 1024 * 1024

/**
 * Brings appends to the engine, one batch at a time: what comes while one is under way leaves with the next. That
 * keeps the order of this process, makes a retry recognisable by one number, and costs a round trip per batch, not
 * per event.
 */
export class AppendQueue {
	readonly #broker: BrokerBase
	readonly #write: Write
	readonly #ended = new AbortController()
	#jobs: Job[] = []
	/** Those of the batch that is under way. */
	#current: Job[] = []
	#running = false
	#batches = 0
	/** True while a batch that may wait meets an absent engine. */
	#away: SseError | undefined

	constructor(broker: BrokerBase, write: Write) {
		this.#broker = broker
		this.#write = write
	}

	append(entries: readonly Entry[], wait = 0): Promise<Cursor[]> {
		if (!entries.length) return Promise.resolve([])
		// Behind one that waits for the engine there is nothing to be had; it would only learn that later.
		if (this.#away && wait <= 0) return Promise.reject(this.#away)
		return new Promise((resolve, reject) => {
			const deadline = wait > 0 ? clock.now() + wait : undefined
			this.#jobs.push({ entries, deadline, settled: false, resolve, reject })
			if (this.#running) return
			this.#running = true
			// Later in the same tick: a loop of publishes becomes one batch.
			queueMicrotask(() => void this.#run())
		})
	}

	close(error: SseError): void {
		const jobs = [...this.#current, ...this.#jobs]
		this.#jobs = []
		this.#ended.abort()
		for (const job of jobs) settle(job, error)
	}

	async #run(): Promise<void> {
		while (this.#jobs.length) await this.#store(this.#take())
		this.#running = false
	}

	/** The next jobs; those that wait never share a batch with those that do not. */
	#take(): Job[] {
		const waits = this.#jobs[0]?.deadline !== undefined
		let [count, entries, characters] = [0, 0, 0]
		for (const job of this.#jobs) {
			entries += job.entries.length
			for (const { data } of job.entries) characters += data.length
			const full = entries > maxEntries || characters > maxCharacters
			if ((job.deadline !== undefined) !== waits || (count > 0 && full)) break
			count++
		}
		return this.#jobs.splice(0, count)
	}

	async #store(jobs: Job[]): Promise<void> {
		const batch = { number: ++this.#batches, entries: jobs.flatMap(({ entries }) => entries) }
		const timers = jobs.map((job) => this.#expire(job))
		this.#current = jobs
		try {
			const cursors = await this.#try(batch, jobs)
			let at = 0
			for (const job of jobs) {
				settle(job, cursors.slice(at, (at += job.entries.length)))
			}
		} catch (thrown) {
			const error = toError(thrown)
			if (jobs.length === 1 || isAway(error) || this.#broker.closed) {
				for (const job of jobs) settle(job, error)
			} else {
				// The engine refused the batch for good; whose fault that is shows when each goes alone.
				for (const job of jobs) await this.#store([job])
			}
		} finally {
			for (const timer of timers) clock.clearTimeout(timer)
			this.#away = undefined
		}
	}

	async #try(batch: Batch, jobs: Job[]): Promise<Cursor[]> {
		for (let failures = 0; ; failures++) {
			if (this.#broker.closed) throw this.#broker.closedError()
			try {
				const cursors = await this.#write(batch)
				this.#broker.worked()
				return cursors
			} catch (error) {
				if (this.#broker.closed) throw this.#broker.closedError()
				if (!isAway(error)) throw error
				this.#broker.failed(error as SseError)
				const waiting = jobs.some(({ deadline, settled }) => deadline !== undefined && !settled)
				if (!waiting) throw error
				this.#turnAway(error as SseError)
				await pause(retryDelay(failures), this.#ended.signal)
			}
		}
	}

	/** Rejects those in the queue that do not want to wait. */
	#turnAway(error: SseError): void {
		this.#away = error
		const hasty = this.#jobs.filter(({ deadline }) => deadline === undefined)
		this.#jobs = this.#jobs.filter(({ deadline }) => deadline !== undefined)
		for (const job of hasty) settle(job, error)
	}

	#expire(job: Job): unknown {
		if (job.deadline === undefined) return undefined
		const expired = () => {
			const message =
				'The broker stayed away for as long as `wait` allows; give more, or try again.'
			settle(job, new SseError('timeout', message, { cause: this.#away }))
		}
		return clock.setTimeout(expired, Math.max(0, job.deadline - clock.now()))
	}
}

function settle(job: Job, outcome: Cursor[] | Error): void {
	if (job.settled) return
	job.settled = true
	if (outcome instanceof Error) job.reject(outcome)
	else job.resolve(outcome)
}
