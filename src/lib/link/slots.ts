import { Listeners } from './listeners.js'
import type { Message } from './types.js'

export type Receive = (message: Message) => void

/** One event name on one link: who listens, and the last event for those who come later. */
interface Slot {
	last: Message | undefined
	listeners: Listeners<Receive>
}

/** Names that nobody asked for are remembered up to this many, so that a stream of ever new names stays bounded. */
const mostUnasked = 256

/** Who hears which events of a link. */
export class Slots {
	readonly #byName = new Map<string, Slot>()
	readonly #all = new Listeners<Receive>()
	#unasked = 0

	/** Hears the events of one name. */
	add(name: string, receive: Receive): () => void {
		return this.#slot(name).listeners.add(receive)
	}

	/** Hears every event. */
	addToAll(receive: Receive): () => void {
		return this.#all.add(receive)
	}

	last(name: string): Message | undefined {
		return this.#byName.get(name)?.last
	}

	deliver(message: Message): void {
		const tell = (receive: Receive): void => receive(message)
		let slot = this.#byName.get(message.name)
		if (!slot && this.#unasked < mostUnasked) {
			this.#unasked++
			slot = this.#slot(message.name)
		}
		if (slot) {
			slot.last = message
			slot.listeners.each(tell)
		}
		if (this.#all.size > 0) this.#all.each(tell)
	}

	#slot(name: string): Slot {
		let slot = this.#byName.get(name)
		if (!slot) this.#byName.set(name, (slot = { last: undefined, listeners: new Listeners() }))
		return slot
	}
}
