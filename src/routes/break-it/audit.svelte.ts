export interface Heard {
	number: number
	/** It was sent again after a loss. */
	isLate: boolean
	/** The connection that brought it; 1 for the first. */
	connection: number
}

/** Checks that every number comes once and in order. */
export class Audit {
	received = $state(0)
	missing = $state(0)
	repeated = $state(0)
	late = $state(0)
	last = $state(0)
	recent = $state.raw<Heard[]>([])

	hear(heard: Heard): void {
		this.received++
		if (heard.isLate) this.late++
		if (heard.number <= this.last) this.repeated++
		else this.missing += heard.number - this.last - 1
		this.last = Math.max(this.last, heard.number)
		this.recent = [...this.recent, heard].slice(-96)
	}
}
