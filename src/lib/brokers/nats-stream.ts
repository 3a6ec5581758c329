import { jetstream, jetstreamManager, JetStreamApiError } from '@nats-io/jetstream'
import type {
	JetStreamClient,
	JetStreamManager,
	StreamConfig,
	StreamInfo
} from '@nats-io/jetstream'
import { clock } from '../clock.js'
import { SseError, toError } from '../errors.js'
import type { LogState, Position } from '../hub/cursor.js'
import type { BrokerHistory } from '../hub/broker.js'
import { pause, withDeadline } from './deadline.js'

/** A connection that `connect` of `@nats-io/transport-node` (or another transport) made. */
export type NatsConnection = Parameters<typeof jetstream>[0]

export interface NatsStreamOptions {
	readonly stream: string
	readonly bounds: Required<BrokerHistory>
	readonly replicas: number
	readonly timeout: number
}

const nanoseconds = 1_000_000
const notFound = 10_059
const configDiffers = 10_058
/** A message with this id is being stored: sent again, it came before the servers of the cluster had agreed on it. */
const isUnderWay = 10_158
/** A leader that cannot reach most of the others steps down after 10 s; what it says then is no news. */
const settled = 15_000
/** Within this time the servers of a cluster agree on when a stream was made. */
const agreed = 1_000

/** The stream that is the log: made where it is missing, and told apart from an earlier one of the same name. */
export class NatsStream {
	readonly subject: string
	readonly js: JetStreamClient
	readonly #options: NatsStreamOptions
	readonly #connection: NatsConnection
	#manager: Promise<JetStreamManager> | undefined
	/** The stream that has been looked at, and changed if it was made with other options. */
	#configured: string | undefined
	readonly #ended = new AbortController()
	/** What the stream is known to reach and did not, and since when, by `clock.now()`. */
	#missing: { readonly known: Position; readonly since: number } | undefined

	constructor(connection: NatsConnection, options: NatsStreamOptions) {
		this.#connection = connection
		this.#options = options
		this.subject = `${options.stream}.log`
		this.js = jetstream(connection, { timeout: options.timeout })
	}

	get name(): string {
		return this.#options.stream
	}

	/** Nothing is waited for any more. */
	close(): void {
		this.#ended.abort()
	}

	/** The next `state` sees to it that the stream is as it should be, as the first did. */
	lookAgain(): void {
		this.#configured = undefined
	}

	/** How long an answer may take, in milliseconds. */
	get timeout(): number {
		return this.#options.timeout
	}

	/** Does something with the manager of JetStream, in bounded time. */
	async manage<T>(run: (manager: JetStreamManager) => Promise<T>): Promise<T> {
		const { timeout } = this.#options
		// Without the check nothing is asked of the server here; it may be away.
		const options = { timeout, checkAPI: false }
		this.#manager ??= jetstreamManager(this.#connection, options)
		const done = this.#manager.then(run)
		return withDeadline(done, timeout, 'NATS')
	}

	/**
	 * The stream's state; if there is no stream, one is made.
	 *
	 * @param known how far the stream is known to reach: servers of a cluster that lag say that it is shorter
	 */
	async state(known?: Position): Promise<LogState> {
		const info = await this.#info()
		const { first_seq, last_seq, messages } = info.state
		const state = {
			epoch: epochOf(info),
			last: { sequence: last_seq, mark: 0 },
			first: messages > 0 ? first_seq : undefined
		}
		this.#assertCurrent(info, state, known)
		return state
	}

	/** If the answer may be older than what is known already, throws. */
	#assertCurrent(
		{ cluster, config }: StreamInfo,
		{ epoch, last }: LogState,
		known: Position | undefined
	): void {
		// While nobody leads, every server that has a copy answers, however far behind it is.
		if (cluster && !cluster.leader) {
			throw new SseError('network', 'No NATS server leads the stream at the moment.')
		}
		const isBehind = known?.epoch === epoch && known.sequence > last.sequence
		// Of a single copy it is the truth: it was set back.
		if (!isBehind || config.num_replicas === 1) {
			this.#missing = undefined
			return
		}
		// Before 2.11 a leader answers as soon as it is elected, when it has not taken over everything yet.
		if (this.#missing?.known !== known) this.#missing = { known, since: clock.now() }
		if (clock.now() - this.#missing.since > settled) return
		throw new SseError('network', 'The NATS server that leads the stream has not caught up yet.')
	}

	async #info(): Promise<StreamInfo> {
		const { name } = this
		const ask = () => this.manage(({ streams }) => streams.info(name))
		const info = await ask().catch(async (error: unknown) => {
			if (!isCode(error, notFound)) throw error
			await this.#create()
			return ask()
		})
		if (this.#configured === info.created) return info
		await this.#configure(info)
		this.#configured = info.created
		return info
	}

	/** Several processes may do this at once; with the same options they get the same stream. */
	async #create(): Promise<void> {
		const config = this.#config()
		try {
			const made: StreamInfo & { did_create?: boolean } = await this.manage(({ streams }) => {
				return streams.add(config)
			})
			if (made.did_create || config.num_replicas === 1) return
		} catch (error) {
			if (!isCode(error, configDiffers)) throw error
		}
		// Another process is making it right now; for a moment each server has a time of its own for that (before
		// 2.15), which would be an epoch of its own.
		await pause(agreed, this.#ended.signal)
	}

	/** Changes a stream that was made with other options. */
	async #configure({ config }: StreamInfo): Promise<void> {
		const { name, subjects, ...rest } = this.#config()
		// An administrator may have given it more.
		const isCovered = subjects.every((one) => config.subjects.some((other) => covers(other, one)))
		const wanted = { ...rest, subjects: isCovered ? config.subjects : subjects }
		const keys = Object.keys(wanted) as (keyof typeof wanted)[]
		if (keys.every((key) => String(config[key]) === String(wanted[key]))) return
		await this.manage(({ streams }) => streams.update(name, wanted))
	}

	#config() {
		const { stream, bounds, replicas } = this.#options
		const { events, age } = bounds
		const maxAge = Number.isFinite(age) ? Math.max(100, age) * nanoseconds : 0
		const window = 120_000 * nanoseconds
		return {
			name: stream,
			// Each process publishes on a subject of its own; those of earlier versions on the first.
			subjects: [this.subject, `${this.subject}.*`],
			max_msgs: Number.isFinite(events) ? events : -1,
			max_age: maxAge,
			num_replicas: replicas,
			duplicate_window: maxAge ? Math.min(window, maxAge) : window
		} satisfies Partial<StreamConfig> & { name: string }
	}
}

/** Whether a subject with wildcards holds all of another. */
function covers(one: string, other: string): boolean {
	const [tokens, own] = [one.split('.'), other.split('.')]
	for (const [index, token] of tokens.entries()) {
		if (token === '>') return own.length > index
		if (token !== '*' && token !== own[index]) return false
	}
	return tokens.length === own.length
}

/** When the stream was made, to the nanosecond: one that is made anew is another log. */
function epochOf({ created }: StreamInfo): string {
	const fraction = /\.(\d{1,9})/.exec(created)?.[1] ?? ''
	const seconds = Math.floor(Date.parse(created) / 1_000)
	return seconds.toString(36) + Number(fraction.padEnd(9, '0')).toString(36).padStart(6, '0')
}

function isCode(error: unknown, code: number): boolean {
	return error instanceof JetStreamApiError && error.code === code
}

/** The error as the contract wants it: `network` if it may pass, `failed` if NATS refused. */
export function natsError(thrown: unknown): SseError {
	if (thrown instanceof SseError) return thrown
	const error = toError(thrown)
	const status = error instanceof JetStreamApiError ? error.status : 503
	// What is not found is being made anew.
	const mayPass = status === 404 || isCode(error, isUnderWay)
	if (status >= 400 && status < 500 && !mayPass) {
		return new SseError('failed', `NATS refused: ${error.message}`, { cause: error })
	}
	return new SseError('network', `NATS cannot be reached: ${error.message}`, { cause: error })
}

/** True if nobody is subscribed to what was published; clients wrap that into errors with other messages. */
export function isUnheard(thrown: unknown): boolean {
	if (!(thrown instanceof Error)) return false
	return /no responders/i.test(thrown.message) || isUnheard(thrown.cause)
}
