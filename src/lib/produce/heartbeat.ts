import { clock, type Timer } from '../clock.js'
import { environment } from '../environment.js'

// One timer for all streams of one interval, however many there are: a wheel of slots that turns once an interval.
// A stream marks each write with the wheel's position, which costs one assignment, and is looked at when its slot
// comes round. Where requests may not share a timer, each stream has a wheel of its own.

/** What a wheel keeps alive. */
export interface Beating {
	/** The wheel's position at the last write. */
	lastBeat: number
	beat(): void
}

/** Slots of a shared wheel: a heartbeat comes an eighth of the interval early at most. */
const sharedSlots = 8
/** Slots of a wheel with one stream: few, since each costs that stream a timer. */
const ownSlots = 2

export class HeartbeatWheel {
	/** How often the wheel has moved on; streams copy it when they write. */
	position = 0
	readonly #interval: number
	/** How many positions make an interval. */
	readonly #turn: number
	readonly #slots: Set<Beating>[]
	#size = 0
	#timer: Timer

	constructor(interval: number, slots: number) {
		this.#interval = interval
		this.#turn = slots
		this.#slots = Array.from({ length: slots + 1 }, () => new Set<Beating>())
	}

	add(member: Beating): void {
		member.lastBeat = this.position
		this.#slot(this.position + this.#turn).add(member)
		if (this.#size++ === 0) this.#wait()
	}

	delete(member: Beating): void {
		for (const slot of this.#slots) {
			if (!slot.delete(member)) continue
			if (--this.#size > 0) return
			clock.clearTimeout(this.#timer)
			if (wheels.get(this.#interval) === this) wheels.delete(this.#interval)
			return
		}
	}

	#wait(): void {
		const step = Math.max(1, this.#interval / this.#turn)
		this.#timer = clock.setTimeout(() => this.#moveOn(), step)
	}

	#moveOn(): void {
		this.position++
		const slot = this.#slot(this.position)
		const due: Beating[] = []
		const looked = [...slot]
		slot.clear()
		for (const member of looked) {
			const silent = this.position - member.lastBeat
			const isDue = silent >= this.#turn
			this.#slot(this.position + (isDue ? this.#turn : this.#turn - silent)).add(member)
			if (isDue) due.push(member)
		}
		this.#wait()
		// Only now, with every member in its slot: a beat may take any of them off the wheel.
		for (const member of due) {
			member.lastBeat = this.position
			member.beat()
		}
	}

	#slot(position: number): Set<Beating> {
		return this.#slots[position % this.#slots.length]!
	}
}

const wheels = new Map<number, HeartbeatWheel>()

/** The wheel of a stream with this interval, which it shares with others where it may. */
export function heartbeatWheel(interval: number): HeartbeatWheel {
	if (environment.isolatesRequests) return new HeartbeatWheel(interval, ownSlots)
	let wheel = wheels.get(interval)
	if (!wheel) wheels.set(interval, (wheel = new HeartbeatWheel(interval, sharedSlots)))
	return wheel
}
