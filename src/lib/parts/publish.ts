// One event reaches all channels that it is for before anybody outside hears of it: whoever reads two of them sees both as they
// are after the event, and whoever leaves in the middle of it keeps it from no other.

/** A channel that has news for those outside. */
export interface Publisher {
	publish(value: unknown, message: unknown): void
}

let depth = 0
let isPublishing = false
const queue: [publisher: Publisher, value: unknown, message: unknown][] = []

/** Everything that is queued until `end()` is published together. */
export function begin(): void {
	depth++
}

export function end(): void {
	if (--depth > 0 || isPublishing) return
	isPublishing = true
	try {
		for (let index = 0; index < queue.length; index++) {
			const [publisher, value, message] = queue[index]!
			publisher.publish(value, message)
		}
	} finally {
		queue.length = 0
		isPublishing = false
	}
}

/** @param message the event that it is; undefined: a value that is only shown */
export function enqueue(publisher: Publisher, value?: unknown, message?: unknown): void {
	queue.push([publisher, value, message])
}
