import type { ProducerConnection } from 'sveltekit-sse'
import { Sessions } from '../../demo/sessions.server.js'

export interface Line {
	/** From 1: the same thing may happen twice in one millisecond. */
	number: number
	text: string
}

/** What the server writes down about one visit, and who follows it. */
export class Visit {
	stream: ProducerConnection | undefined
	readonly lines: Line[] = []
	readonly followers = new Set<(line: Line) => void>()
	#count = 0

	log(what: string): void {
		const text = `${new Date().toISOString().slice(11, 23)}  ${what}`
		const line = { number: ++this.#count, text }
		this.lines.push(line)
		if (this.lines.length > 50) this.lines.shift()
		for (const follow of this.followers) follow(line)
	}
}

export const visits = new Sessions(() => new Visit())
