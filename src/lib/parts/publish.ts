import type { Listeners, Present } from './listeners.js'

// One event reaches all channels that it is for before anybody outside hears of it: whoever reads two of them sees both as they
// are after the event, and whoever leaves in the middle of it keeps it from no other.

/** News for those who listened when it came. */
interface Publication<L, A, B> {
	listeners: Listeners<L>
	present: Present<L>
	tell: (listener: L, first: A, second: B) => void
	first: A
	second: B
}

let depth = 0
let isPublishing = false
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- Each has listeners of its own kind.
const queue: (Publication<any, any, any> | undefined)[] = []
let queued = 0

/** Runs something that brings an event or a value, and then tells everything that was published in it. */
export function together(run: () => void): void {
	begin()
	try {
		run()
	} finally {
		end()
	}
}

/** As `together()`, where a function would cost too much. What comes before `end()` must not throw. */
export function begin(): void {
	depth++
}

export function end(): void {
	if (--depth === 0 && !isPublishing && queued > 0) tellAll()
}

function tellAll(): void {
	isPublishing = true
	for (let index = 0; index < queued; index++) {
		const { listeners, present, tell, first, second } = queue[index]!
		queue[index] = undefined
		listeners.each(tell, first, second, present)
	}
	// Its room is kept: to make it anew at each event would cost as much as all the rest.
	queued = 0
	isPublishing = false
}

/** Tells those who listen now, once all channels have taken in what there is. */
export function publish<L, A, B>(
	listeners: Listeners<L>,
	tell: (listener: L, first: A, second: B) => void,
	first: A,
	second: B
): void {
	queue[queued++] = { listeners, present: listeners.present, tell, first, second }
}
