import { Listeners } from '../parts/listeners.js'
import { begin, end } from '../parts/publish.js'
import type { Message } from './types.js'

type Listener = (message: Message) => void

/** One event name that somebody listens to. */
class Slot extends Listeners<Listener> {
	last: Message | undefined
}

/** Names without a listener whose last event is remembered; of more names, the oldest events are forgotten. */
const maxUnheard = 256

/** Who hears which events of a link, and the last event of each name for those who come later. */
export class Slots {
	/** Hear every event. */
	readonly all = new Listeners<Listener>()
	readonly #heard = new Map<string, Slot>()
	/** The last events of names that nobody listens to, in the order of their arrival. */
	readonly #unheard = new Map<string, Message>()
	/** Where the last event went: most come in runs of one name, and looking a new string up costs as much as parsing it. */
	#recent: { name: string; slot: Slot } | undefined

	/**
	 * Listens to the events of one name; the empty name has the events without an `event:` field, as 0.14 had it.
	 *
	 * @returns what stops it
	 */
	add(name: string, listener: Listener): () => void {
		const slot = this.#heard.get(name) ?? this.#hear(name)
		const remove = slot.add(listener)
		return () => {
			remove()
			if (slot.size === 0 && this.#heard.get(name) === slot) this.#forget(name, slot)
		}
	}

	/** The last event of one name. */
	last(name: string): Message | undefined {
		const slot = this.#heard.get(name)
		return slot ? slot.last : this.#unheard.get(name)
	}

	/** Nothing of what came before is for those who come later. */
	forget(): void {
		this.#unheard.clear()
		for (const slot of this.#heard.values()) slot.last = undefined
	}

	deliver(message: Message): void {
		begin()
		const { name } = message
		if (name && name === this.#recent?.name) hear(this.#recent.slot, message)
		else this.#route(message)
		if (this.all.size > 0) this.all.each(hand, message)
		end()
	}

	#route(message: Message): void {
		const { name } = message
		// [spec] 9.2.6: if the event type buffer is the empty string, the event's type is `message`.
		for (const each of name ? [name] : ['message', '']) {
			const slot = this.#find(each)
			if (slot) hear(slot, message)
			else this.#remember(each, message)
		}
	}

	#find(name: string): Slot | undefined {
		const slot = this.#heard.get(name)
		if (slot && name) this.#recent = { name, slot }
		return slot
	}

	#hear(name: string): Slot {
		const slot = new Slot()
		slot.last = this.#unheard.get(name)
		this.#unheard.delete(name)
		this.#heard.set(name, slot)
		return slot
	}

	#forget(name: string, { last }: Slot): void {
		this.#heard.delete(name)
		this.#recent = undefined
		if (last) this.#remember(name, last)
	}

	#remember(name: string, message: Message): void {
		this.#unheard.delete(name)
		this.#unheard.set(name, message)
		if (this.#unheard.size > maxUnheard) this.#unheard.delete(this.#unheard.keys().next().value!)
	}
}

function hear(slot: Slot, message: Message): void {
	slot.last = message
	slot.each(hand, message)
}

function hand(receive: Listener, message: Message): void {
	receive(message)
}
