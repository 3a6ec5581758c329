import type { Contract } from '../contract/types.js'
import { isPromise } from '../contract/schema.js'
import { Sequence } from '../contract/sequence.js'
import { toError } from '../errors.js'
import type { Incoming, Receiver } from '../channel/feed.js'
import type { Message } from '../link/types.js'
import { together } from '../parts/publish.js'

/**
 * Makes values of the text of one handle's events, by its contract. A schema may be asynchronous: everything that follows an
 * event keeps its place behind it.
 */
export class Decoding {
	readonly #contract: Contract<unknown> | undefined
	readonly #handedOn: (message: Message) => void
	readonly #sequence = new Sequence()
	/** What takes time to read, and what late readers look at, is read once, however many ask for it. */
	readonly #known = new WeakMap<Message, unknown>()
	/** The last id of a link that the handle has left. */
	#received: string | undefined

	/** @param handedOn called when an event that had to wait is handed on */
	constructor(contract: Contract<unknown> | undefined, handedOn: (message: Message) => void) {
		this.#contract = contract
		this.#handedOn = handedOn
	}

	/**
	 * Hands the value of an event on; the error, where it cannot be read.
	 *
	 * @param isWanted whether it still is, if it has had to wait
	 */
	event(
		name: string,
		message: Message,
		receiver: Receiver<unknown>,
		isWanted: () => boolean
	): void {
		// What most streams are pays for nothing else.
		if (!this.#contract && this.#sequence.isEmpty) receiver.event(message.data, message)
		else this.#hand(name, message, receiver, isWanted)
	}

	#hand(
		name: string,
		message: Message,
		receiver: Receiver<unknown>,
		isWanted: () => boolean
	): void {
		const result = this.#read(name, message)
		if (this.#sequence.isEmpty && !isPromise(result)) receiver.event(result, message)
		else
			this.#sequence.add(result, (data) => {
				// Whoever takes it may close the connection, or go to another URL.
				this.#handedOn(message)
				if (isWanted()) together(() => receiver.event(data, message))
			})
	}

	/** The value of an event that came before; if it has to be waited for, `again` is called once it is there. */
	last(name: string, message: Message, again: () => void): Incoming<unknown> | undefined {
		const result = this.#read(name, message)
		if (!isPromise(result)) {
			if (this.#contract) this.#known.set(message, result)
			return { data: result, message }
		}
		this.#sequence.add(result, again)
		return undefined
	}

	/** Runs something once the events before it have been handed on. */
	inOrder(run: () => void): void {
		this.#sequence.add(undefined, run)
	}

	/** What was received is handed on although the handle leaves its link: the next link goes on behind it. */
	keep(lastEventId: string | undefined): void {
		this.#received = lastEventId
	}

	/** The last id that was received, while not everything has been handed on. */
	get received(): string | undefined {
		return this.#sequence.isEmpty ? undefined : this.#received
	}

	/** Drops what has not been handed on. */
	drop(): void {
		this.#sequence.clear()
		this.#received = undefined
	}

	#read(name: string, message: Message): unknown {
		if (!this.#contract) return message.data
		if (this.#known.has(message)) return this.#known.get(message)
		const result = decode(this.#contract, name, message.data)
		if (isPromise(result)) {
			this.#known.set(message, result)
			void result.then((data) => this.#known.set(message, data))
		}
		return result
	}
}

function decode(contract: Contract<unknown>, name: string, text: string): unknown {
	try {
		const value = contract.decode(name, text)
		return isPromise(value) ? value.catch(toError) : value
	} catch (thrown) {
		return toError(thrown)
	}
}
