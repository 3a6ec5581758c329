import { jetstream, jetstreamManager, JetStreamApiError } from '@nats-io/jetstream'
import type {
	JetStreamClient,
	JetStreamManager,
	StreamConfig,
	StreamInfo
} from '@nats-io/jetstream'
import { SseError, toError } from '../errors.js'
import type { LogState } from '../hub/cursor.js'
import type { BrokerHistory } from '../hub/broker.js'
import { withDeadline } from './deadline.js'

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

/** The stream that is the log: made where it is missing, and told apart from an earlier one of the same name. */
export class NatsStream {
	readonly subject: string
	readonly js: JetStreamClient
	readonly #options: NatsStreamOptions
	readonly #connection: NatsConnection
	#manager: Promise<JetStreamManager> | undefined
	#configured = false

	constructor(connection: NatsConnection, options: NatsStreamOptions) {
		this.#connection = connection
		this.#options = options
		this.subject = `${options.stream}.log`
		this.js = jetstream(connection, { timeout: options.timeout })
	}

	get name(): string {
		return this.#options.stream
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

	/** The stream's state; if there is no stream, one is made. */
	async state(): Promise<LogState> {
		const info = await this.#info()
		const { first_seq, last_seq, messages } = info.state
		return {
			epoch: epochOf(info),
			last: { sequence: last_seq, mark: 0 },
			first: messages > 0 ? first_seq : undefined
		}
	}

	async #info(): Promise<StreamInfo> {
		const { name } = this
		if (!this.#configured) {
			const info = await this.#create()
			this.#configured = true
			return info
		}
		try {
			return await this.manage(({ streams }) => streams.info(name))
		} catch (error) {
			if (!isCode(error, notFound)) throw error
			return this.#create()
		}
	}

	/** Several processes may do this at once; with the same options they get the same stream. */
	async #create(): Promise<StreamInfo> {
		const config = this.#config()
		try {
			return await this.manage(({ streams }) => streams.add(config))
		} catch (error) {
			if (!isCode(error, configDiffers)) throw error
			const { max_msgs, max_age, duplicate_window, num_replicas } = config
			const change = { max_msgs, max_age, duplicate_window, num_replicas }
			return this.manage(({ streams }) => streams.update(config.name, change))
		}
	}

	#config() {
		const { stream, bounds, replicas } = this.#options
		const { events, age } = bounds
		const maxAge = Number.isFinite(age) ? Math.max(100, age) * nanoseconds : 0
		const window = 120_000 * nanoseconds
		return {
			name: stream,
			subjects: [this.subject],
			max_msgs: Number.isFinite(events) ? events : -1,
			max_age: maxAge,
			num_replicas: replicas,
			duplicate_window: maxAge ? Math.min(window, maxAge) : window
		} satisfies Partial<StreamConfig> & { name: string }
	}
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
	if (status >= 400 && status < 500 && status !== 404) {
		return new SseError('failed', `NATS refused: ${error.message}`, { cause: error })
	}
	return new SseError('network', `NATS cannot be reached: ${error.message}`, { cause: error })
}
