import type { ProducerConnection } from 'sveltekit-sse'
import { Sessions } from '../../demo/sessions.server.js'

/** What the server writes down about one visit, and who follows it. */
export class Visit {
	stream: ProducerConnection | undefined
	readonly lines: string[] = []
	readonly followers = new Set<(line: string) => void>()

	log(text: string): void {
		const line = `${new Date().toISOString().slice(11, 23)}  ${text}`
		this.lines.push(line)
		if (this.lines.length > 50) this.lines.shift()
		for (const follow of this.followers) follow(line)
	}
}

export const visits = new Sessions(() => new Visit())
