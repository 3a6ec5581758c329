import { findGap, parseCursor, type LogState, type Position } from '../hub/cursor.js'
import type { GapReason, LogEntry } from '../hub/broker.js'
import { deliver, type Delivered } from './nats-delivery.js'
import { behind, gapState, whole } from './nats-messages.js'
import type { NatsLog } from './nats.js'
import type { TailLoop } from './tail-loop.js'
import { SseError } from '../errors.js'

/** Follows the stream with a consumer of its own, for as long as that holds. */
export async function followNats(
	broker: NatsLog,
	tail: TailLoop,
	ended: AbortSignal
): Promise<void> {
	let lose = (_: Error) => {}
	const lost = new Promise<never>((_, reject) => {
		lose = reject
	})
	// It may come at a moment when nobody waits.
	lost.catch(() => {})
	const closed = () => lose(new SseError('closed', 'The tail was closed.'))
	ended.addEventListener('abort', closed)
	const forgetLoss = broker.onDisconnect(() => lose(new SseError('network', 'NATS is away.')))
	const { signals } = broker
	const subscription = broker.connection.subscribe(signals, {
		callback(error, message) {
			if (!error) tail.signal(message.string())
		}
	})
	let follower: NatsTail | undefined
	try {
		for (;;) {
			follower = new NatsTail(broker, tail)
			await Promise.race([follower.run(), lost])
			follower.stop()
		}
	} finally {
		follower?.stop()
		forgetLoss()
		if (!broker.connection.isClosed()) subscription.unsubscribe()
		ended.removeEventListener('abort', closed)
	}
}

class NatsTail {
	#stopped = false
	#stopDelivery = () => {}
	/** Number of the message up to which the tail is behind. */
	#target = 0
	/** Entries that are gathered until the last ones are known; `undefined` once they are handed over. */
	#gathered: LogEntry[] | undefined
	#again = () => {}
	#epoch = ''

	constructor(
		private readonly broker: NatsLog,
		private readonly tail: TailLoop
	) {}

	stop(): void {
		this.#stopped = true
		this.#stopDelivery()
	}

	/** Resolves when the tail has to find its place again; rejects when the consumer is lost. */
	async run(): Promise<void> {
		const { broker, tail } = this
		// Before it is asked: what is appended meanwhile is not missing.
		const { appended } = broker
		const state = await broker.state()
		this.#epoch = state.epoch
		this.#target = state.last.sequence
		const from = await this.#place(state, appended)
		await new Promise<void>((again, lost) => {
			this.#again = again
			const message = (delivered: Delivered) => this.#receive(delivered)
			deliver(broker.connection, broker.stream, from, message, lost)
				.then(async (stop) => {
					this.#stopDelivery = stop
					if (this.#stopped) return stop()
					// The consumer may hang on a stream that was made anew since.
					const { epoch, first = Infinity } = await broker.state()
					if (epoch !== state.epoch) return again()
					const isGone = first > this.#target
					// What is gone meanwhile does not come.
					if (this.#gathered && isGone) this.#handLast()
					if (this.#gathered || (this.#verifying(from) && first <= from)) return
					const position = tail.position as Position
					if (isGone && position.sequence < this.#target) return again()
					this.#caughtUp(position)
				}, lost)
				.catch(lost)
		})
	}

	/** Finds out where the tail stands; returns the number of the message to begin with. */
	async #place(state: LogState, appended: Position | undefined): Promise<number> {
		const { broker, tail } = this
		const { start } = tail
		const fresh = tail.position === undefined
		if (fresh && start === 'now') {
			tail.position = await broker.endOf(state)
			return tail.position.sequence + 1
		}
		if (fresh && start !== 'now' && 'last' in start) return this.#placeLast(start.last, state)
		const after = start !== 'now' && 'after' in start ? parseCursor(start.after) : undefined
		const position = tail.position ?? after
		const isNews = appended !== tail.lost && appended?.epoch === state.epoch
		const isLost = isNews && appended.sequence > state.last.sequence
		if (isLost) tail.lost = appended
		const reason = isLost ? 'unknown' : findGap(position, gapState(position, state), true)
		if (reason || !position) await this.#gap(reason ?? 'unknown', state)
		else tail.position = position
		const { sequence, mark } = tail.position as Position
		// If its message is still there, it tells whether the position is of this log.
		const check = mark !== whole && sequence >= (state.first ?? Infinity)
		return check ? sequence : sequence + 1
	}

	/** At least so many messages hold so many entries; what is too much is cut off when all are here. */
	async #placeLast(count: number, state: LogState): Promise<number> {
		const { sequence } = state.last
		this.tail.position = await this.broker.endOf(state)
		const from = Math.max(state.first ?? Infinity, sequence - Math.max(0, count) + 1)
		if (from > sequence) return sequence + 1
		this.#gathered = []
		return from
	}

	async #gap(reason: GapReason, state: LogState): Promise<void> {
		const { tail, broker } = this
		const { epoch, first, last } = state
		const oldest = reason === 'unknown' ? undefined : first
		if (oldest === undefined && last.sequence > 0) {
			return tail.gap(reason, await broker.endOf(state))
		}
		tail.gap(reason, {
			epoch,
			sequence: (oldest ?? 1) - 1,
			mark: oldest === 1 || !oldest ? 0 : whole
		})
	}

	#verifying(from: number): boolean {
		const { sequence } = this.tail.position as Position
		return sequence > 0 && from === sequence
	}

	#receive(delivered: Delivered): void {
		if (this.#stopped) return
		const { tail, broker } = this
		const position = tail.position as Position
		const message = broker.decode(delivered, this.#epoch)
		const { sequence } = delivered
		if (this.#gathered && sequence <= this.#target) {
			this.#gathered.push(...message.entries)
			if (sequence === this.#target) this.#handLast()
			return
		}
		if (this.#gathered) this.#handLast()
		// Told already: a server whose copy lags begins where that ends (before 2.15), not where it was asked to.
		if (sequence < position.sequence) return
		if (sequence === position.sequence) {
			const rest = behind(message, position)
			if (!rest) return this.#lostPlace()
			if (rest.length) tail.hand(rest, message.end)
		} else {
			if (sequence !== position.sequence + 1) {
				tail.gap('trimmed', { ...position, sequence: sequence - 1, mark: whole })
			}
			tail.hand(message.entries, message.end)
		}
		this.#caughtUp(tail.position as Position)
	}

	#handLast(): void {
		const { start } = this.tail
		const count = start !== 'now' && 'last' in start ? start.last : 0
		const entries = (this.#gathered ?? []).slice(-count)
		this.#gathered = undefined
		this.tail.hand(entries, this.tail.position as Position)
		this.#caughtUp(this.tail.position as Position)
	}

	#caughtUp({ sequence }: Position): void {
		if (sequence >= this.#target) this.tail.live()
	}

	/** The message at the position is another one: the stream was set back. */
	#lostPlace(): void {
		this.#stopped = true
		this.broker
			.state()
			.then((state) => this.#gap('unknown', state))
			.catch(() => {})
			.finally(() => this.#again())
	}
}
