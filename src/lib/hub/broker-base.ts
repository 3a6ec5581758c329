import { clock } from '../clock.js'
import { SseError, toError } from '../errors.js'
import { isLonger } from '../parts/bytes.js'
import {
	maxSignal,
	type AppendOptions,
	type BrokerHealth,
	type BrokerOptions,
	type BrokerStage,
	type TailListener
} from './broker.js'

/** What all brokers have in common: health, the window for errors, and being closed. */
export abstract class BrokerBase {
	readonly #name: string
	readonly #onError: NonNullable<BrokerOptions['onError']>
	readonly #listeners = new Set<(health: BrokerHealth) => void>()
	/** What is away: a tail, or `'call'` for the last call. Up is who has none. */
	readonly #failures = new Map<object | 'call', Error>()
	#health: BrokerHealth

	/** `name` is what the factory is called; messages say it. */
	constructor(name: string, options: BrokerOptions, status: BrokerHealth['status']) {
		this.#name = name
		this.#onError =
			options.onError ?? ((error, { stage }) => console.error(`${name} broker, ${stage}:`, error))
		this.#health = { status, since: clock.date() }
	}

	get health(): BrokerHealth {
		return this.#health
	}

	get closed(): boolean {
		return this.#health.status === 'closed'
	}

	onHealth(listener: (health: BrokerHealth) => void): () => void {
		// A function of its own, so that the same listener may be given twice.
		const own = (health: BrokerHealth) => listener(health)
		this.#listeners.add(own)
		return () => {
			this.#listeners.delete(own)
		}
	}

	/**
	 * Something worked: a call, or the tail that is given. A tail that works clears failed calls too, or a broker that
	 * nobody publishes to would stay down for ever.
	 */
	worked(tail?: object): void {
		this.#failures.delete('call')
		if (tail) this.#failures.delete(tail)
		const [error] = this.#failures.values()
		this.setHealth(error ? 'down' : 'up', error)
	}

	failed(error: Error, source: object | 'call' = 'call'): void {
		this.#failures.set(source, error)
		this.setHealth('down', error)
	}

	/** A tail that was closed is no longer missed. */
	forgive(tail: object): void {
		if (this.#failures.delete(tail) && !this.#failures.size) this.setHealth('up')
	}

	/** What was closed stays closed. */
	setHealth(status: BrokerHealth['status'], error?: Error): void {
		if (this.closed || this.#health.status === status) return
		this.#health = { status, since: clock.date(), ...(error && { error }) }
		for (const listener of [...this.#listeners]) {
			this.guard(() => listener(this.#health))
		}
	}

	/** Hands an error to the user, whose own handler may throw as well. */
	report(thrown: unknown, stage: BrokerStage): void {
		try {
			this.#onError(toError(thrown), { stage })
		} catch (again) {
			console.error(again)
		}
	}

	/** Calls a listener, so that one that throws stops nobody else. */
	guard(run: () => void): void {
		try {
			run()
		} catch (thrown) {
			this.report(thrown, 'listener')
		}
	}

	assertOpen(): void {
		if (this.closed) throw this.closedError()
	}

	/** For a broker whose engine has no transactions of the user's. */
	refuseClient({ client }: AppendOptions): void {
		if (client !== undefined)
			throw new SseError(
				'invalid-argument',
				`The ${this.#name} broker has no transactions; leave out \`client\`, or use \`postgres(pool)\`.`
			)
	}

	closedError(): SseError {
		return new SseError('closed', `The ${this.#name} broker is closed; make a new one.`)
	}
}

/** A tail's listener as the broker may call it: one call at a time, none after the end, none that throws. */
export class GuardedListener implements Required<TailListener> {
	closed = false

	constructor(
		private readonly broker: BrokerBase,
		private readonly listener: TailListener
	) {}

	entries: TailListener['entries'] = (entries) =>
		entries.length && this.#call(() => this.listener.entries(entries))
	gap: TailListener['gap'] = (gap) => this.#call(() => this.listener.gap(gap))
	live: TailListener['live'] = (cursor) => this.#call(() => this.listener.live(cursor))
	signal = (text: string) => this.#call(() => this.listener.signal?.(text))

	#call(run: () => void): void {
		if (!this.closed) this.broker.guard(run)
	}
}

/** If a text is too long for `signal`, throws. */
export function assertSignal(text: string): void {
	if (!isLonger(text, maxSignal)) return
	throw new SseError('too-large', `A signal takes at most ${maxSignal} bytes; send it in parts.`)
}
