import { Listeners } from './listeners.js'
import type { Message } from './types.js'

/** One event name on one link: who listens, and the last event for those who come later. */
export class Slot extends Listeners<(message: Message) => void> {
	last: Message | undefined
}

/** Names that nobody asked for are remembered up to this many, so that a stream of ever new names stays bounded. */
const mostUnasked = 256

/** Who hears which events of a link. */
export class Slots {
	/** Every event. */
	readonly all = new Slot()
	/** Those without an `event:` field, which 0.14 had under the empty name. */
	readonly #unnamed = new Slot()
	readonly #byName = new Map([['', this.#unnamed]])
	#unasked = 0
	/** Where the last event went: most come in runs of one name, and looking a new string up costs as much as parsing it. */
	#recent: Slot | undefined
	#recentName: string | undefined

	/** The events of one name. */
	of(name: string): Slot {
		let slot = this.#byName.get(name)
		if (!slot) this.#byName.set(name, (slot = new Slot()))
		return slot
	}

	deliver(message: Message): void {
		// [spec] 9.2.6: if the event type buffer is the empty string, the event's type is `message`.
		const name = message.name || 'message'
		const slot = name === this.#recentName ? this.#recent : this.#find(name)
		if (slot) tell(slot, message)
		if (!message.name) tell(this.#unnamed, message)
		if (this.all.size > 0) tell(this.all, message)
	}

	#find(name: string): Slot | undefined {
		const isKnown = this.#byName.has(name)
		if (!isKnown && this.#unasked++ >= mostUnasked) return undefined
		this.#recentName = name
		return (this.#recent = this.of(name))
	}
}

function tell(slot: Slot, message: Message): void {
	slot.last = message
	slot.each(hand, message)
}

function hand(receive: (message: Message) => void, message: Message): void {
	receive(message)
}
