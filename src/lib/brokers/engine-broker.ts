import type { SseError } from '../errors.js'
import { assertSignal, BrokerBase } from '../hub/broker-base.js'
import type {
	AppendOptions,
	Broker,
	BrokerOptions,
	Cursor,
	Entry,
	Page,
	ReadOptions,
	Tail,
	TailListener,
	TailStart
} from '../hub/broker.js'
import { parseCursor, type Position } from '../hub/cursor.js'
import { AppendQueue, type Batch, type Prepared } from './append-queue.js'
import { isAway, withDeadline } from './deadline.js'
import { TailLoop } from './tail-loop.js'

export interface EngineOptions extends BrokerOptions {
	/** What the factory is called; messages say it. */
	readonly name: string
	/** What the engine is called. */
	readonly engine: string
	/** Milliseconds within which it has to answer. */
	readonly timeout: number
}

/**
 * What the brokers have in common whose log lies in an engine elsewhere: the queue of appends, the tails that connect
 * again, and calls that end in time.
 */
export abstract class EngineBroker<P extends Prepared> extends BrokerBase implements Broker {
	readonly timeout: number
	readonly #engine: string
	readonly #queue: AppendQueue<P>
	readonly #tails = new Set<TailLoop>()

	constructor({ name, engine, timeout, ...options }: EngineOptions) {
		super(name, options, 'connecting')
		this.timeout = timeout
		this.#engine = engine
		this.#queue = new AppendQueue<P>(this, {
			timeout,
			maxBytes: () => this.maxBytes,
			write: (batch) => this.write(batch)
		})
	}

	/** The most bytes of a batch, as `prepare` counts them. */
	protected get maxBytes(): number {
		return 1024 * 1024
	}

	/** An entry as the engine takes it; throws for one that it never takes. */
	protected abstract prepare(entry: Entry): P
	/** Stores a batch once, however often it is called with it. */
	protected abstract write(batch: Batch<P>): Promise<Cursor[]>
	/** The error as the contract wants it: `network` if it may pass, `failed` if the engine refused. */
	protected abstract explain(thrown: unknown): SseError
	/** One connection of a tail; see `Follow`. */
	protected abstract follow(tail: TailLoop, ended: AbortSignal): Promise<void>
	protected abstract readAfter(position: Position, limit: number): Promise<Page>
	protected abstract findHead(): Promise<Cursor>
	protected abstract sendSignal(text: string): Promise<unknown>

	async append(entries: readonly Entry[], options: AppendOptions = {}): Promise<Cursor[]> {
		this.assertOpen()
		this.refuseClient(options)
		return this.#queue.append(
			entries.map((entry) => this.prepare(entry)),
			options.wait
		)
	}

	tail(start: TailStart, listener: TailListener): Tail {
		const tail = new TailLoop(this, start, listener, async (tail, ended) => {
			try {
				await this.follow(tail, ended)
			} catch (thrown) {
				throw this.explain(thrown)
			}
		})
		this.#tails.add(tail)
		void tail.finished.then(() => this.#tails.delete(tail))
		if (this.closed) void tail.close()
		return tail
	}

	async read(after: Cursor, { limit }: ReadOptions): Promise<Page> {
		this.assertOpen()
		const position = parseCursor(after)
		if (!position) return { entries: [], gap: 'unknown', more: false }
		return this.call(() => this.readAfter(position, limit))
	}

	async head(): Promise<Cursor> {
		return this.call(() => this.findHead())
	}

	async signal(text: string): Promise<void> {
		this.assertOpen()
		assertSignal(text)
		await this.call(() => this.sendSignal(text))
	}

	async close(): Promise<void> {
		this.setHealth('closed')
		this.#queue.close(this.closedError())
		await Promise.all([...this.#tails].map((tail) => tail.close()))
	}

	/** Asks the engine for something; settles within `limit` milliseconds, however many questions that takes. */
	protected async call<T>(run: () => Promise<T>, limit = this.timeout): Promise<T> {
		this.assertOpen()
		try {
			const result = await withDeadline(run(), limit, this.#engine)
			this.worked()
			return result
		} catch (thrown) {
			if (this.closed) throw this.closedError()
			const error = this.explain(thrown)
			if (isAway(error)) this.failed(error)
			throw error
		}
	}
}

/** About how much memory an entry takes: two bytes a character, and what surrounds them. */
export function weigh({ topic, name, data, except = '' }: Entry): number {
	return 100 + 2 * (topic.length + name.length + data.length + except.length)
}
