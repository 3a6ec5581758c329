import { clock, type Timer } from '../clock.js'

// One timer for all streams of one interval, however many there are: a wheel of slots that turns once an interval.
// A stream marks each write with the wheel's position, which costs one assignment, and is looked at when its slot
// comes round.

/** What a wheel keeps alive. */
export interface Beating {
	/** The wheel's position at the last write. */
	lastBeat: number
	beat(): void
}

const slotsPerInterval = 8

export class HeartbeatWheel {
	/** How often the wheel has moved on; streams copy it when they write. */
	position = 0
	readonly #interval: number
	readonly #step: number
	readonly #slots = Array.from({ length: slotsPerInterval + 1 }, () => new Set<Beating>())
	#size = 0
	#timer: Timer

	constructor(interval: number) {
		this.#interval = interval
		this.#step = Math.max(1, interval / slotsPerInterval)
	}

	add(member: Beating): void {
		member.lastBeat = this.position
		this.#slot(this.position + slotsPerInterval).add(member)
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
		this.#timer = clock.setTimeout(() => this.#turn(), this.#step)
	}

	#turn(): void {
		this.position++
		const slot = this.#slot(this.position)
		const due: Beating[] = []
		const looked = [...slot]
		slot.clear()
		for (const member of looked) {
			const silent = this.position - member.lastBeat
			const isDue = silent >= slotsPerInterval
			this.#slot(this.position + (isDue ? slotsPerInterval : slotsPerInterval - silent)).add(member)
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

/** The wheel that all streams of this interval share. */
export function heartbeatWheel(interval: number): HeartbeatWheel {
	let wheel = wheels.get(interval)
	if (!wheel) wheels.set(interval, (wheel = new HeartbeatWheel(interval)))
	return wheel
}
